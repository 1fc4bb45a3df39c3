"""The rig of the deployment tests: DeploymentConfigs as a deployer writes them, and what is seen of a deployment."""

import asyncio
from typing import Any

from test_hosting_rig import World

FAILING = "errors:1"


def alarm(w: World, name: str, *, config: str | None, threshold: float = 0.2) -> str:
    """An alarm on the error rate of one fleet, or of both."""
    dimensions = {"EndpointName": "e", "VariantName": "AllTraffic", "EndpointConfigName": config}
    w.cloudwatch.put_metric_alarm(
        {
            "AlarmName": name,
            "Namespace": "AWS/SageMaker",
            "MetricName": "Invocation5XXErrors",
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items() if value],
            "Statistic": "Average",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": threshold,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        }
    )
    return name


def fire(w: World, name: str, state: str = "ALARM") -> None:
    """Put an alarm in a state by hand."""
    w.cloudwatch.set_alarm_state({"AlarmName": name, "StateValue": state, "StateReason": "an operator's wish"})


def update(w: World, version: int, deployment: dict[str, Any] | None = None, **how: Any) -> None:
    """Start an update of `e` to v<version>."""
    request = {"EndpointName": "e", "EndpointConfigName": w.config(version, **how)}
    w.hosting.update_endpoint(request | ({"DeploymentConfig": deployment} if deployment else {}))


async def traffic(w: World) -> None:
    """Requests, one after the other, until the endpoint is settled."""
    while w.describe()["EndpointStatus"] != "InService":
        await w.invoke()
        await asyncio.sleep(0.002)


def deployment_events(w: World) -> list[dict[str, Any]]:
    """The details of the deployment events so far."""
    return [detail for kind, detail in w.events if kind == "SageMaker Endpoint Deployment State Change"]


def phases(w: World) -> list[str]:
    """What was being done to which fleet, in each deployment event."""
    found = []
    for detail in deployment_events(w):
        for fleet, of in (("old", detail), ("new", detail.get("PendingDeploymentSummary", {}))):
            for variant in of.get("ProductionVariants", []):
                found += [f"{fleet} {status['Status']}" for status in variant.get("VariantStatus", [])]
    return found


def messages(w: World) -> list[str]:
    """The status messages of the deployment events, of whichever fleet has one."""
    fleets = [of for detail in deployment_events(w) for of in (detail, detail.get("PendingDeploymentSummary", {}))]
    variants = [variant for of in fleets for variant in of.get("ProductionVariants", [])]
    return [status["StatusMessage"] for variant in variants for status in variant.get("VariantStatus", [])]


def statuses(w: World) -> list[str]:
    """The EndpointStatus in each state event."""
    return [detail["EndpointStatus"] for kind, detail in w.events if kind == "SageMaker Endpoint State Change"]


def percent(value: int) -> dict[str, Any]:
    """A CapacitySize."""
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def instances(value: int) -> dict[str, Any]:
    """A CapacitySize."""
    return {"Type": "INSTANCE_COUNT", "Value": value}


def blue_green(
    kind: str, *, wait: int = 60, final: int = 0, timeout: int | None = 28_800, **size: Any
) -> dict[str, Any]:
    """A BlueGreenUpdatePolicy; `size` is CanarySize or LinearStepSize, or none."""
    policy = {
        "TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": wait, **size},
        "TerminationWaitInSeconds": final,
        **({} if timeout is None else {"MaximumExecutionTimeoutInSeconds": timeout}),
    }
    return {"BlueGreenUpdatePolicy": policy}


def canary(size: dict[str, Any], **how: Any) -> dict[str, Any]:
    """A canary."""
    return blue_green("CANARY", CanarySize=size, **how)


def linear(size: dict[str, Any], **how: Any) -> dict[str, Any]:
    """Steps of one size."""
    return blue_green("LINEAR", LinearStepSize=size, **how)


def rolling(
    size: dict[str, Any], *, wait: int = 60, timeout: int = 28_800, rollback: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A RollingUpdatePolicy."""
    policy = {
        "MaximumBatchSize": size,
        "WaitIntervalInSeconds": wait,
        "MaximumExecutionTimeoutInSeconds": timeout,
        **({"RollbackMaximumBatchSize": rollback} if rollback else {}),
    }
    return {"RollingUpdatePolicy": policy}


def guarded(config: dict[str, Any], *alarms: str) -> dict[str, Any]:
    """The same with alarms that roll it back."""
    return {**config, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}}
