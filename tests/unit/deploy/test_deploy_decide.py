"""The judgement, alone: whatever AWS shows, some things never happen."""

from dataclasses import replace
from datetime import timedelta

from facts import NAME, POLICY, config, evidences, moments, observations, package_arn, trying
from fake_aws import START
from hypothesis import given
from hypothesis import strategies as st
from worlds import policy

from deploy.decide import decide
from deploy.decision import EXIT_CODES, Decision, Evidence, Outcome
from deploy.labels import PREVIOUS_CONFIG
from deploy.observe import Alarm, Endpoint, Firing, Observation
from deploy.plan import make_plan
from deploy.registry import Package
from deploy.trials.record import TrialSeen
from deploy.trials.verdict import Finding, Sample, judge

TRYING = policy("rollout.strategy=shadow, ab_test, canary")


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


@given(trying, evidences, moments)
def test_no_shift_begins_before_every_trial_was_good_and_is_gone(seen: Observation, evidence: Evidence, now) -> None:
    sent = [call.parameters.get("EndpointConfigName") for call in decide(TRYING, seen, evidence, now).calls]
    if NAME in sent:
        assert len(seen.trials) == 2
        assert all(trial.verdict is Finding.GOOD and not trial.serving for trial in seen.trials)


@given(trying, evidences, moments)
def test_a_trial_begins_only_when_the_one_before_it_was_good_and_is_gone(
    seen: Observation, evidence: Evidence, now
) -> None:
    sent = [str(call.parameters.get("EndpointConfigName")) for call in decide(TRYING, seen, evidence, now).calls]
    if any(name.endswith("-ab") for name in sent):
        assert seen.trials[0].verdict is Finding.GOOD
        assert not seen.trials[0].serving


@given(trying, evidences, moments)
def test_a_busy_endpoint_is_sent_nothing_whatever_its_trials_show(seen: Observation, evidence: Evidence, now) -> None:
    assert seen.endpoint
    if seen.endpoint.busy:
        assert decide(TRYING, seen, evidence, now).calls == ()


@given(trying, evidences, moments)
def test_a_judgement_with_trials_has_reasons_too(seen: Observation, evidence: Evidence, now) -> None:
    assert decide(TRYING, seen, evidence, now).reasons


@given(st.builds(Sample), st.builds(Sample, requests=st.integers(0, 500), failed=st.integers(0, 500)), st.booleans())
def test_no_verdict_is_good_on_fewer_requests_than_the_stage_asks_for(
    control: Sample, challenger: Sample, over: bool
) -> None:
    verdict = judge(POLICY.guardrails, 200, control, challenger, over=over)
    if verdict.finding:
        assert challenger.answered >= 200
    if verdict.finding is Finding.GOOD:
        assert over
        assert challenger.error_rate <= 0.05


def test_the_reason_of_a_failed_launch_is_remembered_by_the_run_that_saw_it() -> None:
    evidence = Evidence(sent={NAME: START}).witness((), "InsufficientInstanceCapacity").witness((), "")
    seen = replace(under_way(), endpoint=Endpoint("flight-delay-staging", "InService", "before", instances=2))
    decision = judged(seen, evidence)
    assert decision.outcome is Outcome.ROLLED_BACK
    assert "SageMaker says: InsufficientInstanceCapacity" in decision.reasons


def test_an_update_for_our_experiment_is_waited_for_however_far_the_experiment_is() -> None:
    chosen = policy("rollout.strategy=shadow, canary", "rollout.shadow.by=experiment")
    for state in ({"serving": True}, {"serving": False, "moving": True}, {"serving": False, "over": True}):
        trial = TrialSeen("arn", {PREVIOUS_CONFIG: "before"}, **state)
        seen = replace(under_way(pending="made-by-sagemaker"), ours=None, trials=(trial,))
        assert decide(chosen, seen, Evidence(), START).outcome is None, state
