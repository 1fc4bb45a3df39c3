"""Whatever AWS may show, as hypothesis strategies: the facts that the judgement is tested on."""

from datetime import timedelta

from fake_aws import START, arn, package_arn
from hypothesis import strategies as st
from worlds import policy

from deploy.decision import Evidence
from deploy.labels import PREVIOUS_CONFIG, SINCE, VERDICT
from deploy.names import rollout_name
from deploy.observe import Alarm, Endpoint, Firing, FleetConfig, Observation
from deploy.registry import Package
from deploy.trials.record import TrialSeen
from deploy.trials.verdict import Sample

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
samples = st.builds(Sample, requests=st.integers(0, 2000), failed=st.integers(0, 500), p99=st.none() | st.just(2e4))
trials_seen = st.builds(
    TrialSeen,
    arn=st.just(arn("endpoint-config/trial")),
    tags=st.fixed_dictionaries(
        {PREVIOUS_CONFIG: st.just("before")},
        optional={SINCE: st.just(START.isoformat()), VERDICT: st.sampled_from(["good", "bad"])},
    ),
    serving=st.booleans(),
    moving=st.booleans(),
    over=st.booleans(),
    control=samples,
    challenger=samples,
)
trying = st.builds(
    Observation,
    name=st.just(NAME),
    package=packages,
    endpoint=endpoints,
    current=st.sampled_from([config("before", 1, "none")]),
    has_model=st.booleans(),
    ours=st.none() | st.just(config(NAME, 2, "before")),
    alarms=alarms,
    trials=st.lists(trials_seen, max_size=2).map(tuple),
)
