"""The judgement, alone: whatever AWS shows, some things never happen."""

from dataclasses import replace
from datetime import timedelta

from fake_aws import START, arn, package_arn
from hypothesis import given
from hypothesis import strategies as st
from worlds import policy

from deploy.decide import decide
from deploy.decision import EXIT_CODES, Decision, Evidence, Outcome
from deploy.labels import PREVIOUS_CONFIG
from deploy.names import rollout_name
from deploy.observe import Alarm, Endpoint, Firing, FleetConfig, Observation
from deploy.plan import make_plan
from deploy.registry import Package

POLICY = policy()
NAME = rollout_name(POLICY.endpoint.name, package_arn(2), 2, 1, POLICY.digest)
STATUSES = [
    "OutOfService",
    "Creating",
    "Updating",
    "SystemUpdating",
    "RollingBack",
    "InService",
    "Deleting",
    "Failed",
    "UpdateRollbackFailed",
]


def config(name: str, version: int, previous: str) -> FleetConfig:
    return FleetConfig(
        name=name,
        arn=arn(f"endpoint-config/{name}"),
        created=START,
        variants=("AllTraffic",),
        shadows=(),
        instances=2,
        instance_type="ml.m5.large",
        model=name,
        tags={PREVIOUS_CONFIG: previous},
        package_arn=package_arn(version),
    )


alarms = st.lists(
    st.builds(
        Alarm,
        name=st.sampled_from([f"{NAME}-error-rate", f"{NAME}-latency-p99", f"{NAME}-prediction-distance"]),
        state=st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA"]),
        reason=st.just("Threshold Crossed"),
    ),
    max_size=3,
).map(tuple)
packages = st.builds(
    Package,
    arn=st.just(package_arn(2)),
    group=st.just("flight-delay"),
    version=st.just(2),
    approval=st.sampled_from(["Approved", "Approved", "Approved", "Rejected", "PendingManualApproval"]),
    status=st.just("Completed"),
    metadata=st.sampled_from([{}, {"staging-outcome": "promoted", "staging-config": NAME}]),
)
endpoints = st.builds(
    Endpoint,
    name=st.just("flight-delay-staging"),
    status=st.sampled_from(["InService", *STATUSES]),
    config=st.sampled_from([NAME, "before", "else"]),
    pending=st.sampled_from(["", "", NAME, "else"]),
    failure=st.sampled_from(["", "no capacity"]),
    instances=st.sampled_from([0, 1, 2, 6]),
    deployment_alarms=st.sampled_from([(), (f"{NAME}-error-rate",), ("else-error-rate",)]),
)
observations = st.builds(
    Observation,
    name=st.just(NAME),
    package=packages,
    endpoint=st.none() | endpoints,
    current=st.none() | st.sampled_from([config("before", 1, "none"), config(NAME, 2, "before")]),
    ours=st.none() | st.sampled_from([config(NAME, 2, "before"), config(NAME, 2, "none")]),
    has_model=st.booleans(),
    has_data=st.booleans(),
    alarms=alarms,
    fired=st.sampled_from([(), (Firing(f"{NAME}-error-rate", "Threshold Crossed"),)]),
    requests=st.none() | st.integers(0, 200),
)
evidences = st.builds(Evidence, sent=st.sampled_from([{}, {NAME: START}, {NAME: START + timedelta(minutes=5)}]))
moments = st.integers(0, 600).map(lambda seconds: START + timedelta(minutes=5, seconds=seconds))


def judged(seen: Observation, evidence: Evidence, seconds: int = 600) -> Decision:
    return decide(POLICY, seen, evidence, START + timedelta(seconds=seconds))


@given(observations, evidences)
def test_an_endpoint_that_is_busy_is_never_sent_another_update(seen: Observation, evidence: Evidence) -> None:
    busy = bool(seen.endpoint and seen.endpoint.busy)
    sent = [call.operation for call in judged(seen, evidence).calls]
    assert not (busy and sent)


@given(observations, evidences)
def test_one_process_never_sends_the_update_twice(seen: Observation, evidence: Evidence) -> None:
    if evidence.sent and seen.endpoint:
        assert "UpdateEndpoint" not in [call.operation for call in judged(seen, evidence).calls]


@given(observations, evidences)
def test_nothing_is_promoted_on_missing_evidence(seen: Observation, evidence: Evidence) -> None:
    if judged(seen, evidence).outcome is Outcome.PROMOTED:
        assert seen.endpoint
        assert (seen.endpoint.status, seen.endpoint.config, seen.endpoint.pending) == ("InService", NAME, "")
        enough = (seen.requests or 0) >= POLICY.guardrails.minimum_requests
        assert enough or seen.package.has_passed("staging", NAME)
        assert seen.package.approval == "Approved"


@given(observations, evidences)
def test_the_update_is_sent_only_when_everything_it_names_exists(seen: Observation, evidence: Evidence) -> None:
    decision = judged(seen, evidence)
    if any(call.operation == "UpdateEndpoint" for call in decision.calls):
        assert len(decision.calls) == 1
        assert seen.has_model
        assert seen.ours
        made = {alarm.name for alarm in seen.alarms}
        assert {call.target for call in make_plan(POLICY, seen).alarms} <= made


@given(observations, evidences)
def test_a_package_that_is_not_approved_changes_no_endpoint(seen: Observation, evidence: Evidence) -> None:
    if seen.package.approval != "Approved":
        assert {call.operation for call in judged(seen, evidence).calls} <= {"UpdateModelPackage"}


@given(observations, evidences, moments)
def test_every_judgement_has_a_reason_and_every_outcome_an_exit_code(
    seen: Observation, evidence: Evidence, now
) -> None:
    decision = decide(POLICY, seen, evidence, now)
    assert decision.reasons
    assert decision.outcome is None or decision.outcome in EXIT_CODES


@given(observations, evidences, moments)
def test_the_same_facts_give_the_same_decision(seen: Observation, evidence: Evidence, now) -> None:
    assert decide(POLICY, seen, evidence, now) == decide(POLICY, replace(seen), evidence, now)


def test_an_alarm_that_recovers_is_remembered_by_the_run_that_saw_it() -> None:
    firing = Evidence().witness((Alarm("a", "ALARM", "0.4"), Alarm("b", "OK", "")))
    assert firing.witness((Alarm("a", "OK", "fine"),)).fired == (Firing("a", "0.4"),)


def under_way(**values: object) -> Observation:
    endpoint = Endpoint("flight-delay-staging", "Updating", "before", instances=2)
    package = Package(package_arn(2), "flight-delay", 2, approval="Approved", status="Completed")
    ours = config(NAME, 2, "before")
    return Observation(NAME, package, replace(endpoint, **values), config("before", 1, "none"), ours, has_model=True)


def test_an_update_that_shows_no_pending_config_yet_is_waited_for_by_the_run_that_sent_it() -> None:
    assert judged(under_way(), Evidence(sent={NAME: START})).outcome is None
    assert judged(under_way(), Evidence()).outcome is Outcome.HELD


def test_a_rolling_back_of_our_update_is_waited_for_by_any_run() -> None:
    seen = under_way(status="RollingBack", deployment_alarms=(f"{NAME}-error-rate",))
    assert judged(seen, Evidence()).outcome is None


def test_an_endpoint_that_is_being_deleted_is_not_waited_for() -> None:
    assert judged(under_way(status="Deleting", config=NAME), Evidence()).outcome is Outcome.HELD
