"""Deployments with guardrails: how traffic shifts, what DescribeEndpoint shows meanwhile, what an alarm does.

Rollback is judged by what AWS documents: InService on the old config. Whether a status or a reason shows it is not.
"""

import contextlib

import pytest

from tests.conformance.account import refusal
from tests.conformance.resources import VARIANT, variant

BAKE, LONGEST = 900, 3600
TIMEOUT = 14_400


def blue_green(kind, wait=120, *, final=0, alarms=(), **size):
    """A DeploymentConfig that shifts traffic."""
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **size}
    policy = {
        "TrafficRoutingConfiguration": routing,
        "TerminationWaitInSeconds": final,
        "MaximumExecutionTimeoutInSeconds": TIMEOUT,
    }
    return {"BlueGreenUpdatePolicy": policy} | _rollback(alarms)


def rolling(wait=120, *, alarms=(), size=("INSTANCE_COUNT", 1)):
    """A DeploymentConfig that replaces instances batch by batch."""
    policy = {
        "MaximumBatchSize": {"Type": size[0], "Value": size[1]},
        "WaitIntervalInSeconds": wait,
        "MaximumExecutionTimeoutInSeconds": TIMEOUT,
    }
    return {"RollingUpdatePolicy": policy} | _rollback(alarms)


def canary(wait=120, value=1, kind="INSTANCE_COUNT", **more):
    """A canary of one instance unless told otherwise."""
    return blue_green("CANARY", wait, CanarySize={"Type": kind, "Value": value}, **more)


def linear(wait=120, value=50, **more):
    """Half the capacity at each step unless told otherwise."""
    return blue_green("LINEAR", wait, LinearStepSize={"Type": "CAPACITY_PERCENT", "Value": value}, **more)


def _rollback(alarms):
    return {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}} if alarms else {}


@pytest.fixture
def update(endpoint, sagemaker, resources):
    """Start a deployment; the old config's name and the new one's."""

    def start(deployment, *, config=None, **more):
        old, new = (
            sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"],
            config or resources.config(),
        )
        request = {"EndpointName": endpoint, "EndpointConfigName": new, "DeploymentConfig": deployment, **more}
        sagemaker.update_endpoint(**request)
        return old, new

    return start


@pytest.fixture
def error_alarm(account, resources, endpoint):
    """Makes an alarm on the share of failed requests of one endpoint config's fleet."""

    def make(config):
        name, cloudwatch = resources.name("errors"), account.client("cloudwatch")
        dimensions = {"EndpointName": endpoint, "VariantName": VARIANT, "EndpointConfigName": config}
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/SageMaker",
            MetricName="Invocation5XXErrors",
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            Statistic="Average",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0.5,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
            Tags=resources.tags,
        )
        resources.later(cloudwatch.delete_alarms, AlarmNames=[name])
        return name

    return make


def _send(account, endpoint, requests=20):
    answers = []
    for _ in range(requests):
        with contextlib.suppress(account.client("sagemaker-runtime").exceptions.ModelError):
            answers.append(account.invoke(endpoint)["Body"])
    return answers


def _pending(account, endpoint, status):
    """The PendingDeploymentSummary once its variant has a status."""

    def shown():
        summary = account.endpoint(endpoint).get("PendingDeploymentSummary", {})
        statuses = [s["Status"] for v in summary.get("ProductionVariants", []) for s in v.get("VariantStatus", [])]
        return summary if status in statuses else None

    return account.until(shown, within=3600, every=5)


@pytest.mark.aws(
    "Deployments", "An update without DeploymentConfig replaces the fleet at once", "API: DeploymentConfig"
)
def test_an_update_without_a_policy_replaces_the_fleet(account, endpoint, sagemaker, resources):
    new = resources.config()
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=new)
    described = account.settled(endpoint)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", new)
    assert "PendingDeploymentSummary" not in described


@pytest.mark.aws(
    "Deployments",
    "During a deployment the endpoint shows the old config, and PendingDeploymentSummary the new one",
    "API: DescribeEndpoint",
)
@pytest.mark.aws(
    "Deployments", "A canary that bakes without an alarm is promoted to the whole fleet", "Developer guide: Canary"
)
def test_a_canary_is_promoted(account, endpoint, update):
    deployment = canary(BAKE)
    old, new = update(deployment)
    pending = _pending(account, endpoint, "Baking")
    meanwhile = account.endpoint(endpoint)
    assert meanwhile["EndpointStatus"] == "Updating"
    assert meanwhile["EndpointConfigName"] == old
    assert pending["EndpointConfigName"] == new
    assert pending["ProductionVariants"][0]["VariantName"] == VARIANT
    described = account.settled(endpoint)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", new)
    assert described["LastDeploymentConfig"] == deployment
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 2


@pytest.mark.aws(
    "Deployments",
    "An alarm that fires in the canary's bake takes all traffic back to the old config",
    "Developer guide: Auto-Rollback",
)
@pytest.mark.aws("Deployments", "After a rollback the endpoint is InService on the old config", "API: EndpointMetadata")
@pytest.mark.parametrize("policy", [canary, linear, rolling])
def test_an_alarm_rolls_back(account, endpoint, update, resources, error_alarm, policy):
    failing = resources.config(variant(resources.model("failing")))
    old, _ = update(policy(LONGEST, alarms=[error_alarm(failing)]), config=failing)

    def over():
        _send(account, endpoint)
        return account.endpoint(endpoint)["EndpointStatus"] not in ("Updating", "RollingBack")

    account.until(over, within=7200, every=5)
    described = account.endpoint(endpoint)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", old)
    assert "PendingDeploymentSummary" not in described
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert len(_send(account, endpoint)) == 20


@pytest.mark.aws(
    "Deployments", "LINEAR shifts traffic in equal steps until the new fleet has it all", "Developer guide: Linear"
)
def test_a_linear_deployment_ends_on_the_new_config(account, endpoint, update):
    _, new = update(linear(60))
    described = account.settled(endpoint)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", new)


@pytest.mark.aws("Deployments", "A rolling deployment replaces the fleet batch by batch", "Developer guide: Rolling")
def test_a_rolling_deployment_ends_on_the_new_config(account, endpoint, update):
    deployment = rolling(60)
    _, new = update(deployment)
    described = account.settled(endpoint)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", new)
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert described["LastDeploymentConfig"] == deployment


@pytest.mark.aws(
    "Deployments",
    "During the canary both fleets answer: the canary's share of capacity is its share of traffic",
    "Developer guide: Canary",
)
def test_both_fleets_answer_during_a_canary(account, endpoint, update, sagemaker):
    def model(config):
        return sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"][0]["ModelName"]

    old, new = update(canary(BAKE))
    _pending(account, endpoint, "Baking")
    counts = {model(old): 0, model(new): 0}

    def both():
        for answer in _send(account, endpoint, 10):
            counts[answer.partition(":")[0]] += 1
        return min(counts.values()) >= 10

    account.until(both, within=BAKE, every=1)
    account.settled(endpoint)


@pytest.mark.aws(
    "Deployments",
    "A rolling update goes on batch by batch with both fleets in service, and ends on the new config",
    "API: RollingUpdatePolicy",
)
def test_a_rolling_update_ends_on_the_new_config(account, endpoint, update):
    batch = {"Type": "INSTANCE_COUNT", "Value": 1}
    deployment = {"RollingUpdatePolicy": {"MaximumBatchSize": batch, "WaitIntervalInSeconds": BAKE}}
    _, new = update(deployment)
    pending = _pending(account, endpoint, "Baking")["ProductionVariants"][0]
    assert (pending["CurrentInstanceCount"], pending["DesiredInstanceCount"]) == (1, 2)
    described = account.settled(endpoint)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", new)
    assert described["LastDeploymentConfig"] == deployment


@pytest.mark.aws("Deployments", "RetainDeploymentConfig reuses the last DeploymentConfig", "API: UpdateEndpoint")
def test_the_last_policy_is_reused_when_told_to(account, endpoint, update, sagemaker, resources):
    deployment = canary(60)
    update(deployment)
    account.settled(endpoint)
    config = resources.config()
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config, RetainDeploymentConfig=True)
    described = account.settled(endpoint)
    assert (described["EndpointConfigName"], described["LastDeploymentConfig"]) == (config, deployment)


@pytest.mark.aws("Deployments", "A canary is at most half of the variant's capacity", "API: TrafficRoutingConfig")
@pytest.mark.aws("Deployments", "A linear step is 10 to 50 % of the variant's capacity", "API: TrafficRoutingConfig")
@pytest.mark.aws("Deployments", "A batch is 5 to 50 % of the variant's capacity", "API: RollingUpdatePolicy")
@pytest.mark.aws("Deployments", "A deployment has one policy", "API: DeploymentConfig")
@pytest.mark.parametrize(
    "deployment",
    [
        canary(value=51, kind="CAPACITY_PERCENT"),
        canary(value=2),
        linear(value=9),
        linear(value=51),
        rolling(size=("CAPACITY_PERCENT", 51)),
        rolling(size=("CAPACITY_PERCENT", 4)),
        rolling(size=("INSTANCE_COUNT", 2)),
        {**canary(), **rolling()},
        blue_green("CANARY"),
        blue_green("LINEAR"),
    ],
    ids=[
        "canary of 51 %",
        "canary of every instance",
        "linear steps of 9 %",
        "linear steps of 51 %",
        "batches of 51 %",
        "batches of 4 %",
        "batches of every instance",
        "two policies",
        "canary without size",
        "linear without size",
    ],
)
def test_a_policy_beyond_the_documented_limits_is_refused(endpoint, sagemaker, resources, deployment):
    config, call = resources.config(), sagemaker.update_endpoint
    request = {"EndpointName": endpoint, "EndpointConfigName": config, "DeploymentConfig": deployment}
    refusal("ValidationException", call, **request)


@pytest.mark.aws("Deployments", "Guardrails need the same variant names in both configs", "Developer guide: Exclusions")
@pytest.mark.parametrize("deployment", [canary(), rolling()], ids=["canary", "rolling"])
def test_another_variant_name_is_refused(endpoint, sagemaker, resources, deployment):
    config, call = resources.config(variant(resources.model(), name="Other")), sagemaker.update_endpoint
    request = {"EndpointName": endpoint, "EndpointConfigName": config, "DeploymentConfig": deployment}
    refusal("ValidationException", call, **request)


@pytest.mark.aws(
    "Deployments",
    "A new fleet that does not come up leaves the old one serving",
    "Developer guide: Deployment guardrails",
)
def test_a_fleet_that_does_not_start_leaves_the_old_one(account, endpoint, update, resources):
    broken = variant(resources.model("broken"), ContainerStartupHealthCheckTimeoutInSeconds=60)
    old, _ = update(canary(), config=resources.config(broken))
    described = account.settled(endpoint, within=TIMEOUT)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", old)
    assert len(_send(account, endpoint)) == 20
