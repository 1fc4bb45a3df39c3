"""Target tracking policies, and the two CloudWatch alarms that each makes and owns.

Sources: the API reference of PutScalingPolicy and TargetTrackingScalingPolicyConfiguration; the developer guide,
"Automatic scaling of Amazon SageMaker AI models"; the Application Auto Scaling user guide, "How target tracking scaling
works". What a policy does when its alarms fire is `tracking`'s and `scaler`'s. It must never scale.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from local.autoscaling.targets import DIMENSION, NAMESPACE, PAGE, Target, identity, not_found
from local.autoscaling.tracking import Policy
from local.cloudwatch import CloudWatch
from local.context import Context, Request, Response
from local.errors import validation
from local.listing import cut

HIGH, LOW = "AlarmHigh", "AlarmLow"
COOLDOWN_SECONDS = 300
PREDEFINED = "SageMakerVariantInvocationsPerInstance"

_PERIOD = 60
_SCALE_IN_BELOW = 0.9
"""The low alarm's threshold as a part of the target."""

_RULES = {
    HIGH: ("GreaterThanThreshold", 3, 1.0),
    LOW: ("LessThanThreshold", 15, _SCALE_IN_BELOW),
}
"""How each alarm compares, over how many minutes, with what part of the target."""


@dataclass
class ScalingPolicy:
    """A policy as DescribeScalingPolicies shows it, and the names of its alarms by kind (HIGH, LOW)."""

    target: Target
    shown: Response
    alarms: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its PolicyName."""
        return str(self.shown["PolicyName"])

    @property
    def tracking(self) -> Policy:
        """What it asks for."""
        asked = self.shown["TargetTrackingScalingPolicyConfiguration"]
        return Policy(
            asked["TargetValue"], asked["ScaleOutCooldown"], asked["ScaleInCooldown"], not asked["DisableScaleIn"]
        )

    def metric(self) -> Response:
        """The metric it tracks: Namespace, MetricName, Dimensions, Statistic, and Unit if it has one."""
        asked = self.shown["TargetTrackingScalingPolicyConfiguration"]
        if own := asked.get("CustomizedMetricSpecification"):
            return {"Dimensions": [], **own}
        dimensions = {"EndpointName": self.target.endpoint, "VariantName": self.target.variant}
        return {
            "Namespace": "AWS/SageMaker",
            "MetricName": "InvocationsPerInstance",
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
            "Statistic": "Sum",
        }


class Policies:
    """The policies of all targets, in the order they were made."""

    def __init__(self, context: Context, cloudwatch: CloudWatch, chance: Random) -> None:
        self._context = context
        self._cloudwatch = cloudwatch
        self._chance = chance
        self._policies: dict[tuple[str, str], ScalingPolicy] = {}

    def of(self, target: Target) -> list[ScalingPolicy]:
        """The policies of one target."""
        return [policy for policy in self._policies.values() if policy.target is target]

    def act(self, arn: str) -> None:
        """What CloudWatch is told of an alarm's action: it is done, minute by minute, as long as the alarm is in ALARM.

        Raises ValueError when there is no such policy.
        """
        if all(policy.shown["PolicyARN"] != arn for policy in list(self._policies.values())):
            raise ValueError(f"There is no scaling policy {arn}.")

    def put(self, target: Target, request: Request) -> Response:
        """PutScalingPolicy: make a policy with its alarms, or change one and them. Raises AwsError."""
        name = request["PolicyName"]
        known = self._policies.get((target.resource, name))
        kind = request.get("PolicyType", "TargetTrackingScaling" if known else None)
        if kind != "TargetTrackingScaling":
            raise validation(f"PolicyType is {kind}; the rehearsal offers TargetTrackingScaling only.")
        asked = _checked(request)
        policy = known or ScalingPolicy(target, self._shown(target, name))
        policy.shown["TargetTrackingScalingPolicyConfiguration"] = asked
        self._make_alarms(policy)
        self._policies[target.resource, name] = policy
        return {"PolicyARN": policy.shown["PolicyARN"], "Alarms": policy.shown["Alarms"]}

    def delete(self, target: Target, request: Request) -> None:
        """DeleteScalingPolicy: the policy and its alarms. Raises AwsError ObjectNotFoundException."""
        policy = self._policies.pop((target.resource, request["PolicyName"]), None)
        if policy is None:
            raise not_found(f"scaling policy found named {request['PolicyName']}", request)
        self._remove_alarms(policy, tuple(policy.alarms))

    def delete_all(self, target: Target) -> None:
        """Every policy of a target, as when it is deregistered."""
        for policy in self.of(target):
            self.delete(target, {**identity(target.resource), "PolicyName": policy.name})

    def page(self, request: Request) -> Response:
        """DescribeScalingPolicies: by resource, dimension and names."""
        resource, names = request.get("ResourceId"), request.get("PolicyNames")
        ours = request["ServiceNamespace"] == NAMESPACE and request.get("ScalableDimension", DIMENSION) == DIMENSION
        found = [
            policy.shown
            for policy in self._policies.values()
            if ours and resource in (None, policy.target.resource) and (not names or policy.name in names)
        ]
        return cut(found, {"MaxResults": PAGE, **request}, "ScalingPolicies")

    def _shown(self, target: Target, name: str) -> Response:
        owner = f"arn:aws:autoscaling:{self._context.region}:{self._context.account}:scalingPolicy:{self._uuid()}"
        return {
            "PolicyARN": f"{owner}:resource/{NAMESPACE}/{target.resource}:policyName/{name}",
            "PolicyName": name,
            **identity(target.resource),
            "PolicyType": "TargetTrackingScaling",
            "CreationTime": self._context.clock.now(),
        }

    def _make_alarms(self, policy: ScalingPolicy) -> None:
        tracking, arn = policy.tracking, policy.shown["PolicyARN"]
        wanted = [HIGH, LOW] if tracking.scales_in else [HIGH]
        self._remove_alarms(policy, tuple(set(policy.alarms) - set(wanted)))
        for kind in wanted:
            comparison, periods, part = _RULES[kind]
            name = policy.alarms.setdefault(kind, f"TargetTracking-{policy.target.resource}-{kind}-{self._uuid()}")
            self._cloudwatch.put_metric_alarm(
                {
                    "AlarmName": name,
                    "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {arn}.",
                    "AlarmActions": [arn],
                    "ComparisonOperator": comparison,
                    "Threshold": tracking.target * part,
                    "Period": _PERIOD,
                    "EvaluationPeriods": periods,
                    **policy.metric(),
                }
            )
        prefix = f"arn:aws:cloudwatch:{self._context.region}:{self._context.account}:alarm:"
        policy.shown["Alarms"] = [
            {"AlarmName": policy.alarms[kind], "AlarmARN": prefix + policy.alarms[kind]} for kind in wanted
        ]

    def _remove_alarms(self, policy: ScalingPolicy, kinds: tuple[str, ...]) -> None:
        """Those of them that nobody deleted before."""
        names = [policy.alarms.pop(kind) for kind in kinds]
        self._cloudwatch.delete_alarms({"AlarmNames": [n for n in names if self._cloudwatch.alarm_state(n)]})

    def _uuid(self) -> UUID:
        return UUID(int=self._chance.getrandbits(128), version=4)


def _checked(request: Request) -> dict[str, Any]:
    """The request's TargetTrackingScalingPolicyConfiguration with its defaults. Raises AwsError ValidationException."""
    asked = request.get("TargetTrackingScalingPolicyConfiguration")
    if asked is None:
        raise validation("TargetTrackingScalingPolicyConfiguration is required for a TargetTrackingScaling policy.")
    predefined, own = asked.get("PredefinedMetricSpecification"), asked.get("CustomizedMetricSpecification")
    if (predefined is None) == (own is None):
        raise validation("Give exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification.")
    if predefined is not None and predefined != {"PredefinedMetricType": PREDEFINED}:
        raise validation(
            f"PredefinedMetricSpecification is {predefined}; the rehearsal offers PredefinedMetricType {PREDEFINED} "
            "without a ResourceLabel, or a metric of yours (CustomizedMetricSpecification)."
        )
    if own is not None and ("Metrics" in own or not {"MetricName", "Namespace", "Statistic"} <= own.keys()):
        raise validation(
            "CustomizedMetricSpecification needs MetricName, Namespace and Statistic; Metrics is not offered here."
        )
    configuration = {
        "ScaleOutCooldown": COOLDOWN_SECONDS,
        "ScaleInCooldown": COOLDOWN_SECONDS,
        "DisableScaleIn": False,
        **asked,
    }
    for member in ("ScaleOutCooldown", "ScaleInCooldown"):
        if configuration[member] < 0:
            raise validation(f"{member} is {configuration[member]}; it must be 0 or more seconds.")
    if configuration["TargetValue"] <= 0:
        raise validation(f"TargetValue is {asked['TargetValue']:g}; it must be above 0.")
    return configuration
