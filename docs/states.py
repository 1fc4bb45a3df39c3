"""Writes docs/states.md: every state that AWS may show, and what `apply` does in it, asked of `deploy.decide` itself.

`make docs` runs it and a test compares. It must never say what the code does not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy import stage_files
from deploy.around.surroundings import Around
from deploy.decide import decide
from deploy.decision import Decision, Evidence
from deploy.labels import PREVIOUS_CONFIG, SINCE, VERDICT
from deploy.names import alarm_name
from deploy.observe import Alarm, Endpoint, Firing, FleetConfig, Observation
from deploy.policy import ROLE_VARIABLE
from deploy.registry import Package
from deploy.trials.record import TrialSeen
from deploy.trials.verdict import Sample

ROOT = Path(__file__).parents[1]
NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:111122223333:model-package/flights/2"
NEW, OLD = "flights-v2-1-aaaaaaaa", "flights-v1-1-bbbbbbbb"
SETTINGS = (
    "endpoint.name=flights",
    "rollout.canary={percent: 50, bake_minutes: 10}",
    "rollout.shadow={minutes: 60, minimum_requests: 200}",
)
ROLE = {ROLE_VARIABLE: "arn:aws:iam::111122223333:role/serving"}
HEAD = """# What apply does in every state

Written by `make docs`: each row is what `deploy.decide` answers to that state, so nothing here differs from the code.
The stage is the project's staging with `canary`, and for the rows on trials `shadow, canary`. On the endpoint `flights`
version 1 serves, and version 2 is to be released.
"""


NOTHING_SENT = Evidence()


@dataclass(frozen=True)
class State:
    """A row: what AWS shows, in words and as facts."""

    words: str
    seen: Observation
    evidence: Evidence = NOTHING_SENT
    strategy: str = "canary"
    settings: tuple[str, ...] = ()


def config(name: str, version: int, previous: str) -> FleetConfig:
    """An endpoint config of one version."""
    return FleetConfig(
        name=name,
        arn=f"arn:aws:sagemaker:us-east-1:111122223333:endpoint-config/{name}",
        created=NOW - timedelta(hours=1),
        variants=("AllTraffic",),
        shadows=(),
        instances=2,
        instance_type="ml.m5.large",
        model=name,
        tags={PREVIOUS_CONFIG: previous},
        package_arn=ARN if version == 2 else ARN[:-1] + "1",
    )


PACKAGE = Package(ARN, "flights", 2, approval="Approved", status="Completed")
SERVING = Endpoint(
    "flights", "InService", OLD, arn="arn:aws:sagemaker:us-east-1:111122223333:endpoint/flights", instances=2
)
BEFORE = Observation(NEW, PACKAGE, SERVING, current=config(OLD, 1, "none"))
ALARMS = tuple(Alarm(alarm_name(NEW, rail), "OK", "") for rail in ("error-rate", "latency-p99", "prediction-distance"))
PREPARED = replace(BEFORE, has_model=True, ours=config(NEW, 2, OLD), alarms=ALARMS)
ARRIVED = replace(PREPARED, endpoint=replace(SERVING, config=NEW), current=config(NEW, 2, OLD), requests=900)
RETURNED = replace(PREPARED, fired=(Firing(ALARMS[0].name, "0.42 is above 0.05"),))
TRIAL = TrialSeen("arn:trial", {PREVIOUS_CONFIG: OLD}, serving=True)
TRYING = replace(PREPARED, ours=None, alarms=(), trials=(TRIAL,))


def busy(status: str, pending: str = "", **more: object) -> Observation:
    """An endpoint that SageMaker is changing."""
    return replace(PREPARED, endpoint=replace(SERVING, status=status, pending=pending, **more))


def trial(challenger: Sample | None = None, **tags: str) -> Observation:
    """A shadow with traffic since two hours, and these tags."""
    known = {PREVIOUS_CONFIG: OLD, SINCE: (NOW - timedelta(hours=2)).isoformat(), **tags}
    seen = replace(TRIAL, tags=known, serving=VERDICT not in tags, challenger=challenger or Sample(500, 0, 0, 2e4))
    return replace(TRYING, trials=(seen,))


def states() -> Iterator[State]:
    """Every state, in the order in which a rollout meets them."""
    yield State("no endpoint", replace(BEFORE, endpoint=None, current=None))
    yield State("InService on the version before, nothing made yet", BEFORE)
    yield State("InService on the version before, everything made", PREPARED)
    yield State(
        "the package is not Approved", replace(BEFORE, package=replace(PACKAGE, approval="PendingManualApproval"))
    )
    yield State("the endpoint is paused", replace(BEFORE, around=Around(paused="audit")))
    yield State(
        "an alarm of the rollout is in ALARM before it begins",
        replace(PREPARED, alarms=(replace(ALARMS[0], state="ALARM", reason="0.4"), *ALARMS[1:])),
    )
    yield State(
        "the model that serves is gone", replace(PREPARED, current=replace(config(OLD, 1, "none"), has_model=False))
    )
    yield State("the quota is too small for both fleets", replace(PREPARED, around=Around(quota=3)))
    yield State("Creating", busy("Creating", pending=NEW, config=NEW))
    yield State("Updating to ours", busy("Updating", pending=NEW, phase="Baking"))
    yield State("Updating, sent by this run, not shown yet", busy("Updating"), Evidence(sent={NEW: NOW}))
    yield State("Updating to somebody else's config", busy("Updating", pending="by-hand"))
    yield State("SystemUpdating", busy("SystemUpdating"))
    yield State("RollingBack from ours", busy("RollingBack", deployment_alarms=(ALARMS[0].name,)))
    yield State("Deleting", busy("Deleting"))
    yield State("InService on ours, enough requests answered", ARRIVED)
    yield State("InService on ours, too few requests", replace(ARRIVED, requests=3))
    yield State(
        "InService on ours, the smoke request was answered wrongly",
        replace(ARRIVED, around=Around(smoke="it was answered 'NaN'")),
    )
    yield State(
        "InService on ours, the approval was withdrawn meanwhile",
        replace(ARRIVED, package=replace(PACKAGE, approval="Rejected")),
    )
    yield State("InService on the version before again, an alarm had fired", RETURNED)
    yield State(
        "InService on the version before again, no alarm had fired",
        replace(PREPARED, endpoint=replace(SERVING, failure="no capacity")),
        Evidence(sent={NEW: NOW - timedelta(hours=1)}),
    )
    yield State("Failed", busy("Failed"))
    yield State(
        "Failed, and the stage allows to recreate it", busy("Failed"), settings=("endpoint.recreate_failed=true",)
    )
    yield State("UpdateRollbackFailed", busy("UpdateRollbackFailed"))
    yield State("OutOfService", busy("OutOfService"))
    yield State("a shadow comes first, nothing made yet", BEFORE, strategy="shadow, canary")
    yield State("a shadow has just got traffic", TRYING, strategy="shadow, canary")
    yield State("a shadow has had its time, and is good", trial(), strategy="shadow, canary")
    yield State(
        "a shadow fails more than the guardrail allows", trial(Sample(500, 0, 100, 2e4)), strategy="shadow, canary"
    )
    yield State(
        "a shadow has had its time, and too few requests", trial(Sample(5, 0, 0, 2e4)), strategy="shadow, canary"
    )
    yield State("a shadow was bad, and is gone", trial(**{VERDICT: "bad"}), strategy="shadow, canary")


def answer(state: State) -> Decision:
    """What `apply` would do."""
    policy = stage_files.load("staging", (*SETTINGS, f"rollout.strategy={state.strategy}", *state.settings), ROLE)
    return decide(policy, state.seen, state.evidence, NOW)


def page() -> str:
    """The whole page."""
    rows = [_row(state.words, answer(state)) for state in states()]
    return "\n".join([HEAD, "| AWS shows | apply does | because |", "|---|---|---|", *rows, ""])


def _row(words: str, decision: Decision) -> str:
    sends = ", ".join(dict.fromkeys(call.operation for call in decision.calls))
    does = [f"sends {sends}"] if sends else []
    does += [f"ends **{decision.outcome}**"] if decision.outcome else [] if sends else ["waits"]
    return f"| {words} | {'; '.join(does)} | {'<br>'.join(decision.reasons)} |".replace("\n", " ")


if __name__ == "__main__":
    (ROOT / "docs" / "states.md").write_text(page())
