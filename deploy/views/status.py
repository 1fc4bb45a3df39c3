"""`status`: where a stage stands, and why, from what AWS shows. It changes nothing."""

from dataclasses import dataclass

from deploy import observe
from deploy.aws import Aws
from deploy.decide import broken
from deploy.decision import Outcome
from deploy.names import rollout_of
from deploy.observe import Alarm, Endpoint, Firing, FleetConfig
from deploy.policy import Policy
from deploy.registry import Package


@dataclass(frozen=True)
class View:
    """What a status is judged from. `rollout` is the config of the rollout under way, or of the last one."""

    endpoint: Endpoint | None
    current: FleetConfig | None = None
    package: Package | None = None
    rollout: str = ""
    candidate: Package | None = None
    alarms: tuple[Alarm, ...] = ()
    fired: tuple[Firing, ...] = ()


@dataclass(frozen=True)
class Status:
    """The outcome so far, and why."""

    outcome: Outcome
    reasons: tuple[str, ...]


def look(aws: Aws, policy: Policy) -> View:
    """Read the endpoint, what it serves, and the rollout under way or last tried."""
    endpoint = observe.endpoint(aws, policy.endpoint.name)
    if not endpoint:
        return View(None)
    current = observe.fleet_config(aws, endpoint.config) if endpoint.config else None
    package = _package(aws, current)
    tried = rollout_of(endpoint.deployment_alarms[0]) if endpoint.deployment_alarms else ""
    rollout = endpoint.pending or tried or endpoint.config
    if rollout == endpoint.config:
        return View(endpoint, current, package, rollout, package, observe.alarms(aws, f"{rollout}-"))
    alarms = observe.alarms(aws, f"{rollout}-")
    fired = () if endpoint.busy else observe.firings(aws, tuple(alarm.name for alarm in alarms))
    return View(endpoint, current, package, rollout, _package(aws, observe.fleet_config(aws, rollout)), alarms, fired)


def _package(aws: Aws, config: FleetConfig | None) -> Package | None:
    return observe.package(aws, config.package_arn) if config and config.package_arn else None


def judge(policy: Policy, view: View) -> Status:
    """The outcome so far. Pure."""
    endpoint, package = view.endpoint, view.package
    if not endpoint:
        return Status(Outcome.FAILED, (f"There is no endpoint {policy.endpoint.name}: the first apply creates it.",))
    if endpoint.busy:
        doing = f"{endpoint.status} to {view.rollout}"
        return Status(Outcome.IN_PROGRESS, (f"{doing}: {endpoint.phase}" if endpoint.phase else doing,))
    if endpoint.status != "InService":
        return Status(Outcome.FAILED, (broken(endpoint),))
    if view.rollout != endpoint.config:
        return Status(Outcome.ROLLED_BACK, _why_back(view))
    if not package:
        return Status(Outcome.HELD, (f"{endpoint.config} was not made from a model package: deploy did not make it.",))
    if package.has_passed(policy.stage, endpoint.config):
        outcome = Outcome(package.outcome(policy.stage))
        return Status(outcome, (f"Version {package.version} serves and is recorded as {outcome}.",))
    said = f"Version {package.version} serves, but {policy.stage} has not recorded it as good"
    return Status(Outcome.INCONCLUSIVE, (f"{said}: run apply for it, or rollback.",))


def _why_back(view: View) -> tuple[str, ...]:
    reasons = [f"Alarm {firing.alarm} fired: {firing.reason}" for firing in view.fired]
    candidate = view.candidate
    if not reasons and candidate and candidate.description:
        reasons.append(candidate.description)
    return (f"The last rollout, {view.rollout}, was rolled back.", *reasons)
