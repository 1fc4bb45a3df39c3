"""Reads AWS into frozen data: the endpoint, its configs, the package, the alarms, the new fleet's requests.

Only Describe, List, Get and Head calls; it judges nothing and remembers nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from deploy.around.surroundings import ALONE, Around
from deploy.aws import Aws
from deploy.errors import is_missing
from deploy.labels import NONE
from deploy.registry import LIVE, Package
from deploy.trials.record import TrialSeen

BUSY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
MINUTES_KEPT = timedelta(days=15)
"""How long CloudWatch keeps one-minute values; hourly ones stay for 455 days."""


@dataclass(frozen=True)
class Endpoint:
    """An endpoint as DescribeEndpoint shows it; during an update `config` is still the old one, `pending` the new."""

    name: str
    status: str
    config: str
    arn: str = ""
    pending: str = ""
    pending_since: datetime | None = None
    phase: str = ""
    failure: str = ""
    instances: int = 0
    deployment_alarms: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        """Whether SageMaker is changing it: no other update is possible."""
        return self.status in BUSY or bool(self.pending)


@dataclass(frozen=True)
class FleetConfig:
    """An endpoint config with its tags, and the package that its model was made from."""

    name: str
    arn: str
    created: datetime
    variants: tuple[str, ...]
    shadows: tuple[str, ...]
    instances: int
    instance_type: str
    model: str
    tags: Mapping[str, str]
    package_arn: str
    has_model: bool = True

    def tag(self, key: str) -> str:
        """A tag's value; empty when there is none, or it says `none`."""
        value = self.tags.get(key, "")
        return "" if value == NONE else value


@dataclass(frozen=True)
class Alarm:
    """A metric alarm's state now, and CloudWatch's reason for it."""

    name: str
    state: str
    reason: str


@dataclass(frozen=True)
class Firing:
    """That an alarm went into ALARM, with the numbers CloudWatch gave."""

    alarm: str
    reason: str


@dataclass(frozen=True)
class Observation:
    """Everything that a rollout of `package` under `name` is decided from."""

    name: str
    package: Package
    endpoint: Endpoint | None = None
    current: FleetConfig | None = None
    ours: FleetConfig | None = None
    has_model: bool = False
    has_data: bool = True
    alarms: tuple[Alarm, ...] = ()
    fired: tuple[Firing, ...] = ()
    requests: int | None = None
    live: tuple[Package, ...] = field(default=())
    trials: tuple[TrialSeen, ...] = ()
    around: Around = ALONE
    restored_from: str = ""


def endpoint(aws: Aws, name: str) -> Endpoint | None:
    """The endpoint; None when there is none."""
    try:
        said: Any = aws.sagemaker.describe_endpoint(EndpointName=name)
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    pending = said.get("PendingDeploymentSummary", {})
    variants = pending.get("ProductionVariants") or said.get("ProductionVariants") or [{}]
    phases = variants[0].get("VariantStatus") or [{}]
    rollback = said.get("LastDeploymentConfig", {}).get("AutoRollbackConfiguration", {})
    return Endpoint(
        name=name,
        status=said["EndpointStatus"],
        config=said.get("EndpointConfigName", ""),
        arn=said["EndpointArn"],
        pending=pending.get("EndpointConfigName", ""),
        pending_since=pending.get("StartTime"),
        phase=phases[-1].get("StatusMessage") or phases[-1].get("Status", ""),
        failure=said.get("FailureReason", ""),
        instances=(said.get("ProductionVariants") or [{}])[0].get("DesiredInstanceCount", 0),
        deployment_alarms=tuple(alarm["AlarmName"] for alarm in rollback.get("Alarms", [])),
        weights={v["VariantName"]: v.get("DesiredWeight", 1.0) for v in said.get("ProductionVariants", [])},
    )


def tags_of(aws: Aws, arn: str) -> dict[str, str]:
    """The tags of a resource."""
    return {tag["Key"]: tag["Value"] for tag in aws.sagemaker.list_tags(ResourceArn=arn)["Tags"]}


def fleet_config(aws: Aws, name: str) -> FleetConfig | None:
    """The endpoint config; None when there is none."""
    try:
        said: Any = aws.sagemaker.describe_endpoint_config(EndpointConfigName=name)
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    model = said["ProductionVariants"][0].get("ModelName", "")
    package_arn = model_package_arn(aws, model)
    return FleetConfig(
        name=name,
        arn=said["EndpointConfigArn"],
        created=said["CreationTime"],
        variants=tuple(variant["VariantName"] for variant in said["ProductionVariants"]),
        shadows=tuple(variant["VariantName"] for variant in said.get("ShadowProductionVariants", [])),
        instances=said["ProductionVariants"][0].get("InitialInstanceCount", 0),
        instance_type=said["ProductionVariants"][0].get("InstanceType", ""),
        model=model,
        tags=tags_of(aws, said["EndpointConfigArn"]),
        package_arn=package_arn or "",
        has_model=package_arn is not None,
    )


def model_package_arn(aws: Aws, model: str) -> str | None:
    """The package that a model was made from, empty when from none; None when there is no such model."""
    try:
        said: Any = aws.sagemaker.describe_model(ModelName=model)
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    containers = said.get("Containers") or [said.get("PrimaryContainer", {})]
    return str(containers[0].get("ModelPackageName", ""))


def package(aws: Aws, arn: str) -> Package | None:
    """The model package; None when there is none."""
    try:
        said: Any = aws.sagemaker.describe_model_package(ModelPackageName=arn)
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    containers = said.get("InferenceSpecification", {}).get("Containers", [{}])
    source = containers[0].get("ModelDataSource", {}).get("S3DataSource", {})
    return Package(
        arn=said["ModelPackageArn"],
        group=said["ModelPackageGroupName"],
        version=said["ModelPackageVersion"],
        approval=said.get("ModelApprovalStatus", ""),
        description=said.get("ApprovalDescription", ""),
        status=said.get("ModelPackageStatus", ""),
        lifecycle=_lifecycle(said),
        metadata=said.get("CustomerMetadataProperties", {}),
        model_data=containers[0].get("ModelDataUrl") or source.get("S3Uri", ""),
        commit=said.get("MetadataProperties", {}).get("CommitId", ""),
    )


def live_packages(aws: Aws, group: str, title: str) -> tuple[Package, ...]:
    """The packages of a group that are recorded as live in a stage."""
    pages = aws.sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, ModelPackageType="Versioned"
    )
    return tuple(
        Package(
            arn=said["ModelPackageArn"],
            group=group,
            version=said["ModelPackageVersion"],
            approval=said.get("ModelApprovalStatus", ""),
            lifecycle=_lifecycle(said),
        )
        for page in pages
        for said in page["ModelPackageSummaryList"]
        if _lifecycle(said) == (title, LIVE)
    )


def latest_approved(aws: Aws, group: str) -> str | None:
    """The ARN of the newest approved version of a group; None when there is none yet, or no group."""
    try:
        said = aws.sagemaker.list_model_packages(
            ModelPackageGroupName=group,
            ModelPackageType="Versioned",
            ModelApprovalStatus="Approved",
            SortBy="CreationTime",
            SortOrder="Descending",
            MaxResults=1,
        )
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    found = said["ModelPackageSummaryList"]
    return found[0]["ModelPackageArn"] if found else None


def has_object(aws: Aws, uri: str) -> bool:
    """Whether the S3 object is there; taken as there when it is none, or may not be looked at."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not key or key.endswith("/"):
        return True
    try:
        aws.s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        return not is_missing(error)
    return True


def alarms(aws: Aws, prefix: str) -> tuple[Alarm, ...]:
    """The metric alarms whose names begin with the prefix."""
    pages = aws.cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"])
    return tuple(
        Alarm(alarm["AlarmName"], alarm["StateValue"], alarm.get("StateReason", ""))
        for page in pages
        for alarm in page.get("MetricAlarms", [])
    )


def firings(aws: Aws, names: tuple[str, ...]) -> tuple[Firing, ...]:
    """From the alarms' histories: each one's last change into ALARM. A history that may not be read counts as empty."""
    found = []
    for name in names:
        try:
            said = aws.cloudwatch.describe_alarm_history(
                AlarmName=name, HistoryItemType="StateUpdate", ScanBy="TimestampDescending"
            )
        except ClientError:
            continue  # the history only adds numbers to a verdict that the endpoint's state gives
        for item in said.get("AlarmHistoryItems", []):
            state = json.loads(item.get("HistoryData") or "{}").get("newState", {})
            if state.get("stateValue") == "ALARM":
                found.append(Firing(name, state.get("stateReason", "")))
                break
    return tuple(found)


def requests(aws: Aws, dimensions: list[dict[str, str]], since: datetime, until: datetime) -> int:
    """Requests that one fleet has answered, as far as CloudWatch knows; those it refused (4xx) prove nothing."""
    period = 60 if until - since < MINUTES_KEPT else 3600
    sums = {"Invocations": 0.0, "Invocation4XXErrors": 0.0}
    queries: Any = [
        {
            "Id": name.lower(),
            "Label": name,
            "MetricStat": {
                "Metric": {"Namespace": "AWS/SageMaker", "MetricName": name, "Dimensions": dimensions},
                "Period": period,
                "Stat": "Sum",
            },
        }
        for name in sums
    ]
    pages = aws.cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=since.replace(second=0, microsecond=0), EndTime=until
    )
    for page in pages:
        for result in page["MetricDataResults"]:
            sums[result["Label"]] += sum(result["Values"])
    return round(sums["Invocations"] - sums["Invocation4XXErrors"])


def _lifecycle(said: Any) -> tuple[str, str]:
    lifecycle = said.get("ModelLifeCycle") or {}
    return lifecycle.get("Stage", ""), lifecycle.get("StageStatus", "")
