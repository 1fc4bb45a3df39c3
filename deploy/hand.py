"""What a person can do about a stage by hand while something is under way: pause, resume, abort, promote.

SageMaker has no call that pauses, cancels or finishes an update. So a pause keeps anything new from beginning; an abort
puts one of the rollout's own alarms in ALARM, on which SageMaker rolls back if it reads it before CloudWatch
evaluates it again, so every look asks for it anew; and only a trial can be ended early with a good verdict.
"""

from collections.abc import Callable
from datetime import datetime

from deploy import observe, rollout
from deploy.aws import Aws
from deploy.calls import Call, tags
from deploy.clock import Clock
from deploy.decide import decide
from deploy.decision import Decision, Evidence
from deploy.errors import DeployError
from deploy.execute import send
from deploy.labels import MODEL_PACKAGE, PAUSED, ROLLOUT
from deploy.observe import Observation
from deploy.policy import Policy
from deploy.registry import clean
from deploy.trials import state as trial_state
from deploy.trials.record import TrialSeen, recorded
from deploy.trials.verdict import Finding

Say = Callable[[Observation, Decision], None]


def pause(aws: Aws, policy: Policy, reason: str) -> str:
    """Let nothing new begin on the endpoint; what is under way goes on. What was done, in words."""
    endpoint = _endpoint(aws, policy)
    send(
        aws, Call("sagemaker", "AddTags", {"ResourceArn": endpoint.arn, "Tags": tags({PAUSED: clean(reason)})}, "", "")
    )
    going = f" The update to {endpoint.pending} goes on: SageMaker pauses none." if endpoint.pending else ""
    return f"{endpoint.name} is paused: no rollout, trial or shift begins.{going}"


def resume(aws: Aws, policy: Policy) -> str:
    """Let rollouts begin again. What was done, in words."""
    endpoint = _endpoint(aws, policy)
    send(aws, Call("sagemaker", "DeleteTags", {"ResourceArn": endpoint.arn, "TagKeys": [PAUSED]}, "", ""))
    return f"{endpoint.name} is no longer paused. Run apply again for what was held."


def abort(aws: Aws, clock: Clock, policy: Policy, reason: str, say: Say) -> tuple[Observation, Decision]:
    """End what is under way and return to what served before; the package is Rejected."""
    arn = _package_under_way(aws, policy)
    seen = rollout.look(aws, clock, policy, arn)
    trial = _trial(seen)
    if trial:
        send(aws, recorded(trial, Finding.BAD, (f"aborted by hand: {reason}",)))
        return rollout.apply(aws, clock, policy, arn, say)
    if not seen.alarms:
        raise DeployError(
            f"{policy.endpoint.name} is updated without alarms: SageMaker cannot be made to roll it back."
        )

    def judge(policy: Policy, seen: Observation, evidence: Evidence, now: datetime) -> Decision:
        return _trip(seen, reason) or decide(policy, seen, evidence, now)

    return rollout.apply(aws, clock, policy, arn, say, judge=judge)


def promote(aws: Aws, clock: Clock, policy: Policy, reason: str, say: Say) -> tuple[Observation, Decision]:
    """End a trial with a good verdict and go on to the shift."""
    arn = _package_under_way(aws, policy)
    trial = _trial(rollout.look(aws, clock, policy, arn))
    if trial is None:
        raise DeployError(
            f"{policy.endpoint.name} is being updated, and SageMaker has no call that finishes an update early. "
            "Wait for it, or abort and apply again with shorter bakes."
        )
    send(aws, recorded(trial, Finding.GOOD, (f"promoted by hand: {reason}",)))
    return rollout.apply(aws, clock, policy, arn, say)


def _trip(seen: Observation, reason: str) -> Decision | None:
    """The request that makes SageMaker roll back, while our update runs and no alarm of it is in ALARM."""
    endpoint = seen.endpoint
    running = endpoint and endpoint.pending == seen.name and endpoint.status == "Updating"
    if not running or not seen.alarms or any(alarm.state == "ALARM" for alarm in seen.alarms):
        return None
    name = seen.alarms[0].name
    parameters = {"AlarmName": name, "StateValue": "ALARM", "StateReason": f"Aborted by hand: {reason}"}
    call = Call("cloudwatch", "SetAlarmState", parameters, name, "SageMaker rolls back on it")
    return Decision((call,), reasons=(f"SetAlarmState: {name} to ALARM",))


def _trial(seen: Observation) -> TrialSeen | None:
    return next((trial for trial in seen.trials if trial.serving and trial.verdict is None), None)


def _endpoint(aws: Aws, policy: Policy) -> observe.Endpoint:
    endpoint = observe.endpoint(aws, policy.endpoint.name)
    if endpoint is None:
        raise DeployError(f"There is no endpoint {policy.endpoint.name}: the first apply creates it.")
    return endpoint


def _package_under_way(aws: Aws, policy: Policy) -> str:
    """The package of the trial or the update under way; DeployError when there is none."""
    endpoint = _endpoint(aws, policy)
    config = observe.fleet_config(aws, endpoint.pending or endpoint.config)
    arn = config.tag(MODEL_PACKAGE) if config else ""
    trying = config is not None and config.tag(ROLLOUT)
    if arn and (endpoint.pending or trying):
        return arn
    experiment = trial_state.experiment_on(aws, policy.endpoint.name, {})
    if experiment:
        return experiment[MODEL_PACKAGE]
    raise DeployError(f"Nothing of deploy's is under way on {policy.endpoint.name}.")
