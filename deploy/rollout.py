"""`apply`: how a rollout looks at AWS, and the reconcile loop around it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from deploy import observe
from deploy.around import surroundings
from deploy.around.surroundings import ALONE, Around
from deploy.aws import Aws
from deploy.clock import Clock
from deploy.decide import decide
from deploy.decision import Decision, Evidence
from deploy.errors import DeployError
from deploy.execute import reconcile
from deploy.guardrails import dimensions
from deploy.labels import MODEL_PACKAGE, PAUSED, POLICY_HASH, PREVIOUS_CONFIG, ROLLOUT
from deploy.names import rollout_name
from deploy.observe import Observation
from deploy.plan import make_plan
from deploy.policy import Policy
from deploy.registry import Package
from deploy.trials import state as trial_state

PATIENCE = timedelta(hours=7)
"""How long a run waits unless told otherwise: a CodeBuild action of CodePipeline may take 8 hours."""


Judge = Callable[[Policy, Observation, Evidence, datetime], Decision]


def apply(
    aws: Aws,
    clock: Clock,
    policy: Policy,
    arn: str,
    say: Callable[[Observation, Decision], None],
    patience: timedelta = PATIENCE,
    restored_from: str = "",
    judge: Judge = decide,
) -> tuple[Observation, Decision]:
    """Carry the rollout of a package to its outcome, from wherever it stands; the last observation and the decision.

    What lasts longer than `patience` is left to a later run. `restored_from` marks the rollout as a rollback from that
    endpoint config; `judge` decides in the place of `decide`.
    """
    last: list[Observation] = []

    def look_again(before: Observation | None) -> Observation:
        last[:] = [replace(look(aws, clock, policy, arn, before), restored_from=restored_from)]
        return last[0]

    decision = reconcile(
        aws, clock, look_again, lambda seen, evidence, now: judge(policy, seen, evidence, now), say, patience
    )
    return last[0], decision


def look(aws: Aws, clock: Clock, policy: Policy, arn: str, before: Observation | None = None) -> Observation:
    """Everything that the rollout is decided from; while only an update is waited for, just what that changes."""
    endpoint = observe.endpoint(aws, policy.endpoint.name)
    if before and before.endpoint and before.endpoint.busy and endpoint and endpoint.busy:
        return replace(before, endpoint=endpoint, alarms=observe.alarms(aws, f"{before.name}-"))
    package = find_package(aws, arn)
    current = observe.fleet_config(aws, endpoint.config) if endpoint and endpoint.config else None
    name = _name(aws, policy, package, current)
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
        around=_before(aws, policy, endpoint, name),
    )
    if endpoint and policy.rollout.trials and endpoint.config != name:
        planned = make_plan(policy, seen).trials
        seen = replace(seen, trials=trial_state.trials(aws, endpoint, planned, clock.now()))
    if not ours or not endpoint or endpoint.busy:
        return seen
    if endpoint.config != name:
        return replace(seen, fired=observe.firings(aws, tuple(alarm.name for alarm in seen.alarms)))
    return _arrival(aws, clock, policy, seen, ours)


def _name(aws: Aws, policy: Policy, package: Package, current: observe.FleetConfig | None) -> str:
    """The rollout's name: that of the config, or trial, in service when it was made for this package and policy."""
    if current and (current.tag(MODEL_PACKAGE), current.tag(POLICY_HASH)) == (package.arn, policy.digest):
        return current.tag(ROLLOUT) or current.name
    labels = {MODEL_PACKAGE: package.arn, POLICY_HASH: policy.digest}
    if current and any(trial.is_experiment for _, trial in policy.rollout.trials):
        experiment = trial_state.experiment_on(aws, policy.endpoint.name, labels)
        if experiment:
            return experiment[ROLLOUT]
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
    if seen.package.has_passed(policy.stage, seen.name):
        return replace(seen, live=live)
    request = policy.endpoint.smoke
    around = replace(
        seen.around,
        smoke=surroundings.smoke(aws, policy.endpoint.name, request) if request else None,
        left=surroundings.leftovers(aws, policy.endpoint.name),
    )
    seen = replace(seen, live=live, around=around)
    if not ours.tag(PREVIOUS_CONFIG):
        return seen
    return replace(seen, requests=observe.requests(aws, dimensions(policy, seen.name), ours.created, clock.now()))


def _before(aws: Aws, policy: Policy, endpoint: observe.Endpoint | None, name: str) -> Around:
    """What matters before anything begins on the endpoint; nothing does while it is being changed, or has been."""
    if endpoint and (endpoint.busy or endpoint.config == name):
        return ALONE
    return Around(
        scales=bool(endpoint) and surroundings.scales(aws, policy),
        quota=surroundings.quota(aws, policy.endpoint.instance_type),
        paused=observe.tags_of(aws, endpoint.arn).get(PAUSED, "") if endpoint else "",
    )
