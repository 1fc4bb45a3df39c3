"""`apply`: how a rollout looks at AWS, and the reconcile loop around it."""

from collections.abc import Callable
from dataclasses import replace

from deploy import observe
from deploy.aws import Aws
from deploy.clock import Clock
from deploy.decide import Decision, decide
from deploy.errors import DeployError
from deploy.execute import reconcile
from deploy.guardrails import dimensions
from deploy.names import rollout_name
from deploy.observe import MODEL_PACKAGE, POLICY_HASH, PREVIOUS_CONFIG, Observation
from deploy.policy import Policy
from deploy.registry import Package


def apply(
    aws: Aws, clock: Clock, policy: Policy, arn: str, say: Callable[[Observation, Decision], None]
) -> tuple[Observation, Decision]:
    """Carry the rollout of a package to its outcome, from wherever it stands; the last observation and the decision."""
    last: list[Observation] = []

    def look_again(before: Observation | None) -> Observation:
        last[:] = [look(aws, clock, policy, arn, before)]
        return last[0]

    decision = reconcile(aws, clock, look_again, lambda seen, evidence, now: decide(policy, seen, evidence, now), say)
    return last[0], decision


def look(aws: Aws, clock: Clock, policy: Policy, arn: str, before: Observation | None = None) -> Observation:
    """Everything that the rollout is decided from; while only an update is waited for, just what that changes."""
    endpoint = observe.endpoint(aws, policy.endpoint.name)
    if before and before.endpoint and before.endpoint.busy and endpoint and endpoint.busy:
        return replace(before, endpoint=endpoint, alarms=observe.alarms(aws, f"{before.name}-"))
    package = find_package(aws, arn)
    current = observe.fleet_config(aws, endpoint.config) if endpoint and endpoint.config else None
    name = _name(policy, package, current)
    ours = current if current and current.name == name else observe.fleet_config(aws, name)
    seen = Observation(
        name=name,
        package=package,
        endpoint=endpoint,
        current=current,
        ours=ours,
        has_model=bool(ours) or observe.model_package_arn(aws, name) is not None,
        has_data=bool(ours) or observe.has_object(aws, package.model_data),
        alarms=observe.alarms(aws, f"{name}-"),
    )
    if not ours or not endpoint or endpoint.busy:
        return seen
    if endpoint.config != name:
        return replace(seen, fired=observe.firings(aws, tuple(alarm.name for alarm in seen.alarms)))
    return _arrival(aws, clock, policy, seen, ours)


def _name(policy: Policy, package: Package, current: observe.FleetConfig | None) -> str:
    """The rollout's name: that of the config in service when it was made for this package under this policy."""
    if current and (current.tag(MODEL_PACKAGE), current.tag(POLICY_HASH)) == (package.arn, policy.digest):
        return current.name
    attempt, serving = package.attempts(policy.stage) + 1, current.name if current else ""
    return rollout_name(policy.endpoint.name, package.arn, package.version, attempt, policy.digest, serving)


def find_package(aws: Aws, arn: str) -> Package:
    """The package; DeployError when the registry does not hold it."""
    package = observe.package(aws, arn)
    if package is None:
        raise DeployError(
            f"There is no model package {arn}. Check the ARN, the account and the region; "
            "`aws sagemaker list-model-packages --model-package-group-name <group>` lists the versions."
        )
    return package


def _arrival(aws: Aws, clock: Clock, policy: Policy, seen: Observation, ours: observe.FleetConfig) -> Observation:
    """With what matters on our config: the requests it answered, and who else is recorded as live."""
    live = observe.live_packages(aws, seen.package.group, policy.title)
    if not ours.tag(PREVIOUS_CONFIG) or seen.package.has_passed(policy.stage, seen.name):
        return replace(seen, live=live)
    requests = observe.requests(aws, dimensions(policy, seen.name), ours.created, clock.now())
    return replace(seen, live=live, requests=requests)
