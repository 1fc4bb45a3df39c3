"""`rollback --now`: back to the endpoint config that served before, at once and unguarded, by the hand of a person.

The way back is read from the endpoint config's tags, so it also holds no state: the config that is left is written on
the config that is restored (tag `restored-from`) before the update, and taken off after everything is recorded. An
endpoint on a config that carries the tag is a rollback to finish, not one to begin; otherwise a run that was killed
would go back one version further when it is started again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from deploy import observe, registry
from deploy.aws import Aws
from deploy.calls import Call, tags
from deploy.clock import Clock
from deploy.decide import broken
from deploy.decision import Decision, Evidence, Outcome
from deploy.execute import reconcile
from deploy.labels import PREVIOUS_CONFIG, RESTORED_FROM
from deploy.names import version_label
from deploy.observe import Alarm, Endpoint, FleetConfig
from deploy.plan import was_scaled
from deploy.policy import Policy
from deploy.registry import LAST_STAGE, LIVE, Package


@dataclass(frozen=True)
class Fleet:
    """An endpoint config and the package behind it (None when it was made from none)."""

    config: FleetConfig
    package: Package | None


@dataclass(frozen=True)
class Retreat:
    """What a rollback is decided from: the fleet that serves, the one before it, and the one a rollback has left."""

    endpoint: Endpoint | None
    current: Fleet | None = None
    target: Fleet | None = None
    left: Fleet | None = None
    alarms: tuple[Alarm, ...] = ()


def roll_back(aws: Aws, clock: Clock, policy: Policy, say: Callable[[Retreat, Decision], None]) -> Decision:
    """Carry the rollback to its end, from wherever it stands. `ROLLED_BACK` is its success."""
    return reconcile(
        aws,
        clock,
        lambda before: look(aws, policy, before),
        lambda seen, evidence, now: decide_rollback(policy, seen, evidence, now),
        say,
    )


def look(aws: Aws, policy: Policy, before: Retreat | None = None) -> Retreat:
    """What the rollback is decided from; while the update is waited for, only the endpoint is read again."""
    endpoint = observe.endpoint(aws, policy.endpoint.name)
    if before and before.endpoint and before.endpoint.busy and endpoint and endpoint.busy:
        return replace(before, endpoint=endpoint)
    current = fleet(aws, endpoint.config) if endpoint else None
    if not current:
        return Retreat(endpoint)
    target = fleet(aws, current.config.tag(PREVIOUS_CONFIG))
    return Retreat(endpoint, current, target, left=fleet(aws, current.config.tag(RESTORED_FROM)))


def fleet(aws: Aws, name: str) -> Fleet | None:
    """The endpoint config of that name and its package; None when there is none."""
    config = observe.fleet_config(aws, name) if name else None
    if not config:
        return None
    return Fleet(config, observe.package(aws, config.package_arn) if config.package_arn else None)


def decide_rollback(policy: Policy, seen: Retreat, evidence: Evidence, now: datetime) -> Decision:
    """What to do next. Pure."""
    endpoint = seen.endpoint
    if endpoint and endpoint.busy:
        return _wait(endpoint, seen, evidence)
    refused = unusable(policy, endpoint, seen.current)
    if refused or endpoint is None or seen.current is None:
        return refused or _failed("nothing to roll back")
    if seen.current.config.tag(RESTORED_FROM):
        return _finish(policy, seen.current, seen.left)
    if any(evidence.settling(config, now) for config in evidence.sent):
        return Decision(reasons=("SageMaker has accepted the update",))
    if evidence.sent:
        why = f" SageMaker says: {endpoint.failure}" if endpoint.failure else ""
        return _failed(f"SageMaker did not finish the rollback; {endpoint.config} still serves.{why}")
    return _begin(endpoint, seen.current, seen.target)


def unusable(policy: Policy, endpoint: Endpoint | None, current: Fleet | None) -> Decision | None:
    """Why nothing can be rolled back on an endpoint that is not busy; None when something can."""
    if endpoint is None:
        return _failed(f"There is no endpoint {policy.endpoint.name}: nothing to roll back.")
    if endpoint.busy:
        return None
    if endpoint.status != "InService":
        return _failed(broken(endpoint))
    if current is None:
        return _failed(
            f"Endpoint config {endpoint.config}, which {endpoint.name} serves, is gone: deploy a version anew."
        )
    return None


def none_before(endpoint: Endpoint, current: Fleet) -> Decision:
    """There is no config to return to: there never was one, or it is gone."""
    previous = current.config.tag(PREVIOUS_CONFIG)
    if not previous:
        return _failed(f"{current.config.name} is the first version that {endpoint.name} served: nothing is before it.")
    return _failed(f"Endpoint config {previous}, which served before, is gone: approve and deploy that version again.")


def _wait(endpoint: Endpoint, seen: Retreat, evidence: Evidence) -> Decision:
    ours = seen.target and seen.target.config.tag(RESTORED_FROM) == endpoint.config == _name(seen.current)
    if evidence.sent or (seen.target and ours and endpoint.pending == seen.target.config.name):
        return Decision(reasons=(f"{endpoint.status} back to {endpoint.pending or _name(seen.target)}",))
    to = f" to {endpoint.pending}" if endpoint.pending else ""
    return _failed(f"{endpoint.name} is {endpoint.status}{to}: SageMaker takes no other update until that ends.")


def _begin(endpoint: Endpoint, current: Fleet, target: Fleet | None) -> Decision:
    if not target:
        return none_before(endpoint, current)
    retain = was_scaled(endpoint.instances, current.config.instances)
    mark = {"ResourceArn": target.config.arn, "Tags": tags({RESTORED_FROM: current.config.name})}
    update = {
        "EndpointName": endpoint.name,
        "EndpointConfigName": target.config.name,
        "RetainAllVariantProperties": retain,
    }
    why = f"back to {target.config.name}, all at once"
    return Decision(
        (
            Call("sagemaker", "AddTags", mark, target.config.arn, "remember what is left"),
            Call("sagemaker", "UpdateEndpoint", update, endpoint.name, why),
        ),
        reasons=(f"UpdateEndpoint: {why}",),
    )


def _finish(policy: Policy, restored: Fleet, left: Fleet | None) -> Decision:
    """On the restored config: record it, and take the mark off last."""
    name = restored.config.name
    label = version_label(restored.config.package_arn)
    reason = f"Rolled back by hand from {policy.stage}: {policy.endpoint.name} serves {name} ({label}) again."
    records = []
    if restored.package:
        records.append(registry.passed(restored.package, policy.stage, policy.title, name, "promoted"))
    if left and left.package and may_reject(policy, restored, left.package):
        records.append(registry.rejected(left.package, policy.stage, left.config.name, reason, policy.title))
    unmark = {"ResourceArn": restored.config.arn, "TagKeys": [RESTORED_FROM]}
    records.append(Call("sagemaker", "DeleteTags", unmark, restored.config.arn, "the rollback is recorded"))
    return Decision(tuple(filter(None, records)), Outcome.ROLLED_BACK, (reason,))


def may_reject(policy: Policy, restored: Fleet, package: Package) -> bool:
    """Not the version that serves again under another config, nor the one that is live in the last stage."""
    elsewhere = package.lifecycle == (LAST_STAGE, LIVE) and policy.title != LAST_STAGE
    return not elsewhere and package.arn != restored.config.package_arn


def _name(fleet: Fleet | None) -> str:
    return fleet.config.name if fleet else ""


def _failed(reason: str) -> Decision:
    return Decision(outcome=Outcome.FAILED, reasons=(reason,))
