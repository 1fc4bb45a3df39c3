"""The AWS CLI, as a person types it: a model from the registry to production, a bad one back, a shadow test."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import until
from tests.conformance.resources import archive, environment

GROUP, ENDPOINT, VARIANT, BUCKET = "cli-flights", "cli-flights", "AllTraffic", "cli-models"
ROLE = "arn:aws:iam::111122223333:role/sagemaker"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"


class Cli:
    """Runs `aws`, in an environment and a folder."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self._environment = environment
        self.folder = folder

    def __call__(self, *words: str, **options: Any) -> Any:
        """What it prints, read as JSON; options that are not strings are given as JSON."""
        done = self.run(*words, **options)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def run(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """The process, ended."""
        given = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", _text(value))]
        command = ["aws", *words, *given]
        return subprocess.run(
            command, env=self._environment, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False
        )

    def invoke(self) -> str:
        """One request of the endpoint: the answer's body, or the CLI's error."""
        words = ("sagemaker-runtime", "invoke-endpoint", "answer.txt")
        done = self.run(*words, endpoint_name=ENDPOINT, content_type="text/csv", body="1,2")
        return (self.folder / "answer.txt").read_text() if done.returncode == 0 else done.stderr

    def settled(self) -> Any:
        """describe-endpoint once nothing is being done to the endpoint."""
        until(lambda: self.describe()["EndpointStatus"] in ("InService", "Failed"))
        return self.describe()

    def describe(self) -> Any:
        """describe-endpoint."""
        return self("sagemaker", "describe-endpoint", endpoint_name=ENDPOINT)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@pytest.fixture(scope="module")
def aws(shell, tmp_path_factory) -> Cli:
    """The CLI, with a model.tar.gz in S3 that it copied there."""
    cli = Cli(shell, tmp_path_factory.mktemp("cli"))
    (cli.folder / "model.tar.gz").write_bytes(archive())
    for words in (("mb", f"s3://{BUCKET}"), ("cp", "model.tar.gz", f"s3://{BUCKET}/model.tar.gz")):
        done = cli.run("s3", *words)
        assert done.returncode == 0, done.stderr
    return cli


@pytest.fixture(scope="module")
def packages(aws) -> dict[str, str]:
    """Registered and approved: the ARNs of a first, a second and a failing version."""
    aws("sagemaker", "create-model-package-group", model_package_group_name=GROUP)
    arns = {}
    for name, behaviour in (("first", "good"), ("second", "good"), ("failing", "failing")):
        variables = environment(name, behaviour)
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz", "Environment": variables}
        specification = {
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        }
        created = aws(
            "sagemaker",
            "create-model-package",
            model_package_group_name=GROUP,
            inference_specification=specification,
            customer_metadata_properties={"name": name},
        )
        arns[name] = created["ModelPackageArn"]
        aws("sagemaker", "update-model-package", model_package_arn=arns[name], model_approval_status="Approved")
    return arns


@pytest.fixture(scope="module")
def configs(aws, packages) -> dict[str, str]:
    """An endpoint config of each package, on two instances."""
    for name, arn in packages.items():
        model = {"model_name": f"cli-{name}", "primary_container": {"ModelPackageName": arn}}
        aws("sagemaker", "create-model", execution_role_arn=ROLE, **model)
        variant = {"VariantName": VARIANT, "ModelName": f"cli-{name}", "InitialInstanceCount": 2}
        variants = [{**variant, "InstanceType": "ml.m5.large"}]
        aws("sagemaker", "create-endpoint-config", endpoint_config_name=f"cli-{name}", production_variants=variants)
    return {name: f"cli-{name}" for name in packages}


@pytest.fixture(scope="module")
def endpoint(aws, configs) -> str:
    """An endpoint that serves the first version."""
    aws("sagemaker", "create-endpoint", endpoint_name=ENDPOINT, endpoint_config_name=configs["first"])
    assert aws.settled()["EndpointStatus"] == "InService"
    return ENDPOINT


def _canary(bake: int, alarm: str | None = None) -> dict[str, Any]:
    routing = {
        "Type": "CANARY",
        "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
        "WaitIntervalInSeconds": bake,
    }
    rollback = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]}} if alarm else {}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}, **rollback}


def test_an_approval_keeps_what_the_package_says(aws, packages):
    described = aws("sagemaker", "describe-model-package", model_package_name=packages["first"])
    assert described["ModelApprovalStatus"] == "Approved"
    assert described["CustomerMetadataProperties"] == {"name": "first"}


def test_the_latest_approved_package_is_found_with_a_query(aws, packages):
    found = aws(
        "sagemaker",
        "list-model-packages",
        model_package_group_name=GROUP,
        model_approval_status="Approved",
        sort_order="Descending",
        max_items="1",
        query="ModelPackageSummaryList[0].ModelPackageArn",
    )
    assert found == packages["failing"]


def test_an_endpoint_answers(aws, endpoint):
    assert aws.invoke().endswith(":1,2")


def test_a_canary_is_promoted(aws, endpoint, configs):
    aws(
        "sagemaker",
        "update-endpoint",
        endpoint_name=endpoint,
        endpoint_config_name=configs["second"],
        deployment_config=_canary(60),
    )
    described = aws.settled()
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", configs["second"])
    assert aws.invoke() == "second:1,2"


def test_a_failing_canary_is_rolled_back_by_its_alarm(aws, endpoint, configs):
    before = aws.describe()["EndpointConfigName"]
    dimensions = {"EndpointName": endpoint, "VariantName": VARIANT, "EndpointConfigName": configs["failing"]}
    aws(
        "cloudwatch",
        "put-metric-alarm",
        alarm_name="cli-errors",
        namespace="AWS/SageMaker",
        metric_name="Invocation5XXErrors",
        dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        statistic="Average",
        period="60",
        evaluation_periods="1",
        threshold="0.5",
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="notBreaching",
    )
    aws(
        "sagemaker",
        "update-endpoint",
        endpoint_name=endpoint,
        endpoint_config_name=configs["failing"],
        deployment_config=_canary(3600, "cli-errors"),
    )
    said = set()

    def over() -> bool:
        said.add(aws.invoke())
        return aws.describe()["EndpointStatus"] == "InService"

    until(over)
    described = aws.describe()
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", before)
    assert any("(ModelError) when calling the InvokeEndpoint operation" in answer for answer in said)


def test_weights_and_capacities_change(aws, endpoint):
    wanted = [{"VariantName": VARIANT, "DesiredInstanceCount": 1}]
    words = ("sagemaker", "update-endpoint-weights-and-capacities")
    aws(*words, endpoint_name=endpoint, desired_weights_and_capacities=wanted)
    assert aws.settled()["ProductionVariants"][0]["CurrentInstanceCount"] == 1


def test_an_inference_experiment_promotes_its_shadow(aws, endpoint, configs):
    serving = aws.settled()["EndpointConfigName"]
    production = aws("sagemaker", "describe-endpoint-config", endpoint_config_name=serving)["ProductionVariants"][0]
    instances = {"InstanceType": "ml.m5.large", "InstanceCount": 1}
    infrastructure = {"InfrastructureType": "RealTimeInference", "RealTimeInferenceConfig": instances}
    models = {VARIANT: production["ModelName"], "Challenger": "cli-first"}
    shadows = [{"ShadowModelVariantName": "Challenger", "SamplingPercentage": 100}]
    aws(
        "sagemaker",
        "create-inference-experiment",
        name="cli-experiment",
        type="ShadowMode",
        role_arn=ROLE,
        endpoint_name=endpoint,
        model_variants=[
            {"VariantName": name, "ModelName": model, "InfrastructureConfig": infrastructure}
            for name, model in models.items()
        ],
        shadow_mode_config={"SourceModelVariantName": VARIANT, "ShadowModelVariants": shadows},
    )

    def status() -> str:
        return str(aws("sagemaker", "describe-inference-experiment", name="cli-experiment")["Status"])

    until(lambda: status() == "Running")
    assert aws.invoke() == f"{production['ModelName'].removeprefix('cli-')}:1,2"
    actions = {"Challenger": "Promote", VARIANT: "Remove"}
    aws(
        "sagemaker",
        "stop-inference-experiment",
        name="cli-experiment",
        model_variant_actions=actions,
        desired_state="Completed",
    )
    until(lambda: status() == "Completed")
    aws.settled()
    assert aws.invoke() == "first:1,2"


@pytest.mark.parametrize(
    ("words", "options", "said"),
    [
        (("sagemaker", "describe-endpoint"), {"endpoint_name": "nobody"}, "Could not find"),
        (("sagemaker", "describe-endpoint"), {"endpoint_name": "no_body"}, "'endpointName' failed to satisfy"),
        (("sagemaker", "list-apps"), {}, "NotImplemented"),
        (("sagemaker", "describe-pipeline"), {"pipeline_name": "nobody"}, "ResourceNotFound"),
    ],
)
def test_an_error_is_a_sentence_in_the_terminal(aws, words, options, said):
    done = aws.run(*words, **options)
    assert done.returncode in (254, 255)
    assert said in done.stderr
    assert "<" not in done.stderr, "never a page of HTML"


def test_an_endpoint_is_deleted(aws, endpoint):
    """The last test: it takes the others' endpoint away."""
    aws("sagemaker", "delete-endpoint", endpoint_name=endpoint)
    until(lambda: not aws("sagemaker", "list-endpoints", name_contains=endpoint)["Endpoints"])
    assert aws.run("sagemaker", "describe-endpoint", endpoint_name=endpoint).returncode != 0
