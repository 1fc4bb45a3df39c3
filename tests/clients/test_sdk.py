"""The SageMaker Python SDK's resource classes: a model from the registry to production, and a bad one back."""

import contextlib
import os
import socket
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.conftest import until
from tests.conformance.resources import archive, environment

GROUP, ENDPOINT, VARIANT, BUCKET = "sdk-flights", "sdk-flights", "AllTraffic", "sdk-models"
ROLE = "arn:aws:iam::111122223333:role/sagemaker"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"


class Sdk:
    """The SDK's resources (`r`) and shapes (`s`), and the boto3 session that it is given."""

    def __init__(self) -> None:
        from boto3.session import Session

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of escapes in the SDK's docstrings
            from sagemaker.core import resources, shapes

        self.r, self.s, self.session = resources, shapes, Session()

    def package(self, name: str, behaviour: str = "good") -> Any:
        """A new version, approved. boto3 makes it: ModelPackage.create of 3.27 reads what AWS does not answer."""
        container = {
            "Image": IMAGE,
            "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz",
            "Environment": environment(name, behaviour),
        }
        created = self.session.client("sagemaker").create_model_package(
            ModelPackageGroupName=GROUP,
            InferenceSpecification={"Containers": [container], "SupportedContentTypes": ["text/csv"]},
            CustomerMetadataProperties={"name": name},
        )
        package = self.r.ModelPackage.get(model_package_name=created["ModelPackageArn"], session=self.session)
        package.update(model_approval_status="Approved")
        return package

    def config(self, name: str, package: Any) -> str:
        """An endpoint config of the package, on two instances; its name."""
        container = self.s.ContainerDefinition(model_package_name=package.model_package_arn)
        self.r.Model.create(model_name=name, primary_container=container, execution_role_arn=ROLE, session=self.session)
        production = self.s.ProductionVariant(
            variant_name=VARIANT, model_name=name, initial_instance_count=2, instance_type="ml.m5.large"
        )
        self.r.EndpointConfig.create(endpoint_config_name=name, production_variants=[production], session=self.session)
        return name

    def model_variant(self, name: str, model: str) -> Any:
        """A variant of an experiment, on one instance."""
        instances = self.s.RealTimeInferenceConfig(instance_type="ml.m5.large", instance_count=1)
        infrastructure = self.s.ModelInfrastructureConfig(
            infrastructure_type="RealTimeInference", real_time_inference_config=instances
        )
        return self.s.ModelVariantConfig(model_name=model, variant_name=name, infrastructure_config=infrastructure)

    def canary(self, bake: int, alarm: str | None = None) -> Any:
        """A DeploymentConfig of one instance's canary."""
        routing = self.s.TrafficRoutingConfig(
            type="CANARY",
            wait_interval_in_seconds=bake,
            canary_size=self.s.CapacitySize(type="INSTANCE_COUNT", value=1),
        )
        policy = self.s.BlueGreenUpdatePolicy(traffic_routing_configuration=routing)
        if alarm is None:
            return self.s.DeploymentConfig(blue_green_update_policy=policy)
        alarms = self.s.AutoRollbackConfig(alarms=[self.s.Alarm(alarm_name=alarm)])
        return self.s.DeploymentConfig(blue_green_update_policy=policy, auto_rollback_configuration=alarms)


@pytest.fixture(scope="module")
def hosts() -> Iterator[set[str]]:
    """The names of all hosts that this process looks up."""
    looked_up: set[str] = set()
    real = socket.getaddrinfo

    def noting(host: Any, *rest: Any, **more: Any) -> Any:
        looked_up.add(str(host))
        return real(host, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", noting)
        yield looked_up


@pytest.fixture(scope="module")
def sdk(exported, hosts) -> Iterator[Sdk]:
    """The SDK in the environment that `up` prints, a group, and a model.tar.gz in S3."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in exported.items():
            patch.setenv(name, value)
        made = Sdk()
        s3 = made.session.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=archive())
        made.r.ModelPackageGroup.create(model_package_group_name=GROUP, session=made.session)
        yield made


@pytest.fixture(scope="module")
def endpoint(sdk) -> Any:
    """An endpoint that serves a first version."""
    config = sdk.config("sdk-first", sdk.package("first"))
    made = sdk.r.Endpoint.create(endpoint_name=ENDPOINT, endpoint_config_name=config, session=sdk.session)
    made.wait_for_status("InService", poll=1, timeout=120)
    return made


def _invoke(endpoint) -> str:
    return endpoint.invoke(body="1,2", content_type="text/csv").body.read().decode()


def test_an_approval_keeps_what_the_package_says(sdk):
    package = sdk.package("noted")
    found = sdk.r.ModelPackage.get(model_package_name=package.model_package_arn, session=sdk.session)
    assert found.model_approval_status == "Approved"
    assert found.customer_metadata_properties == {"name": "noted"}


def test_packages_are_listed_page_by_page(sdk):
    for number in range(2):
        sdk.package(f"listed-{number}")
    listed = list(sdk.r.ModelPackage.get_all(model_package_group_name=GROUP, session=sdk.session))
    versions = [package.model_package_version for package in listed]
    assert versions == sorted(versions)
    assert len(versions) >= 2


def test_an_endpoint_answers(endpoint):
    assert _invoke(endpoint).endswith(":1,2")


def test_a_canary_is_promoted(sdk, endpoint):
    endpoint.endpoint_config_name = sdk.config("sdk-second", sdk.package("second"))
    endpoint.update(deployment_config=sdk.canary(60))
    endpoint.wait_for_status("InService", poll=1, timeout=120)
    assert endpoint.endpoint_config_name == "sdk-second"
    assert endpoint.last_deployment_config.blue_green_update_policy.traffic_routing_configuration.type == "CANARY"
    assert _invoke(endpoint) == "second:1,2"


def test_a_failing_canary_is_rolled_back_by_its_alarm(sdk, endpoint):
    before, failing = endpoint.endpoint_config_name, sdk.config("sdk-failing", sdk.package("failing", "failing"))
    dimensions = {"EndpointName": ENDPOINT, "VariantName": VARIANT, "EndpointConfigName": failing}
    sdk.session.client("cloudwatch").put_metric_alarm(
        AlarmName="sdk-errors",
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0.5,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    endpoint.endpoint_config_name = failing
    endpoint.update(deployment_config=sdk.canary(3600, "sdk-errors"))
    assert endpoint.pending_deployment_summary.endpoint_config_name == failing

    def over() -> bool:
        with contextlib.suppress(sdk.session.client("sagemaker-runtime").exceptions.ModelError):
            _invoke(endpoint)
        endpoint.refresh()
        return endpoint.endpoint_status == "InService"

    until(over)
    assert endpoint.endpoint_config_name == before


def test_an_inference_experiment_removes_its_shadow(sdk, endpoint):
    """boto3 stops it: InferenceExperiment.stop of 3.27 reads attributes that the class does not have."""
    config = sdk.r.EndpointConfig.get(endpoint_config_name=endpoint.endpoint_config_name, session=sdk.session)
    models = {VARIANT: config.production_variants[0].model_name, "Challenger": "sdk-first"}
    experiment = sdk.r.InferenceExperiment.create(
        name="sdk-experiment",
        type="ShadowMode",
        role_arn=ROLE,
        endpoint_name=ENDPOINT,
        model_variants=[sdk.model_variant(name, model) for name, model in models.items()],
        shadow_mode_config=sdk.s.ShadowModeConfig(
            source_model_variant_name=VARIANT,
            shadow_model_variants=[
                sdk.s.ShadowModelVariantConfig(shadow_model_variant_name="Challenger", sampling_percentage=100)
            ],
        ),
        session=sdk.session,
    )
    experiment.wait_for_status("Running", poll=1, timeout=120)
    endpoint.refresh()
    assert [shadow.variant_name for shadow in endpoint.shadow_production_variants] == ["Challenger"]
    sdk.session.client("sagemaker").stop_inference_experiment(
        Name="sdk-experiment",
        ModelVariantActions={VARIANT: "Retain", "Challenger": "Remove"},
        DesiredState="Completed",
    )
    experiment.wait_for_status("Completed", poll=1, timeout=120)
    endpoint.wait_for_status("InService", poll=1, timeout=120)
    assert _invoke(endpoint).startswith(models[VARIANT].removeprefix("sdk-"))


def test_an_endpoint_is_deleted(endpoint):
    """The last test of the endpoint: it takes it away."""
    endpoint.delete()
    endpoint.wait_for_delete(poll=1, timeout=120)


def test_the_sdk_asked_nobody_but_the_stand_in(hosts, sdk):
    """The resource classes report no usage, unlike the SDK's sessions and trainers."""
    assert hosts == {"127.0.0.1"}
