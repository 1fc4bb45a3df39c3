"""A rollout as data: every request that will be sent, in order, and when what happens. Pure.

The same observation gives the same plan in every run, also in one that resumes: what the plan depends on (the config
that served before) is read back from our own endpoint config's tag once that exists.
"""

from dataclasses import dataclass
from typing import Any

from deploy.calls import Call, Parameters, tags
from deploy.guardrails import alarm, guardrails
from deploy.labels import COMMIT, MODEL_PACKAGE, NONE, POLICY_HASH, PREVIOUS_CONFIG, RESTORED_FROM, STAGE
from deploy.names import alarm_name, trial_name
from deploy.observe import Observation
from deploy.policy import Policy
from deploy.registry import clean
from deploy.settings import seconds
from deploy.strategies import Step
from deploy.strategies.trial import Scene, Side
from deploy.trials.record import TrialPlan


@dataclass(frozen=True)
class Plan:
    """One rollout. `name` is its model's and its endpoint config's; `previous` is empty when the endpoint is new.

    `instances` is the new fleet's size; `retain` keeps the size that the endpoint was scaled to since its last rollout.
    """

    name: str
    previous: str
    instances: int
    retain: bool
    trials: tuple[TrialPlan, ...]
    steps: tuple[Step, ...]
    model: Call
    alarms: tuple[Call, ...]
    config: Call
    shift: Call

    @property
    def targets(self) -> frozenset[str]:
        """Every endpoint config that the rollout moves the endpoint to."""
        return frozenset({self.name, *(trial.scene.name for trial in self.trials)})

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every request of a rollout that goes well, in order: the alarms exist before the update that names them."""
        trials = [call for trial in self.trials for call in (*trial.start, *trial.trial.end(trial.scene, good=True))]
        return (self.model, *trials, *self.alarms, self.config, self.shift)


def make_plan(policy: Policy, seen: Observation) -> Plan:
    """The rollout of the observed package on the observed endpoint."""
    previous = _previous(seen)
    retain = bool(previous) and _was_scaled(seen)
    instances = seen.endpoint.instances if retain and seen.endpoint else policy.endpoint.instance_count
    rails = guardrails(policy) if previous else ()
    alarms = tuple(alarm(rail, policy, seen.name) for rail in rails)
    names = [alarm_name(seen.name, rail.name) for rail in rails]
    return Plan(
        name=seen.name,
        previous=previous,
        instances=instances,
        retain=retain,
        trials=_trials(policy, seen, previous) if previous else (),
        steps=policy.rollout.shift.steps(instances, policy.rollout.final_bake) if previous else (),
        model=_model(policy, seen),
        alarms=alarms,
        config=_config(policy, seen, previous),
        shift=_update(policy, seen.name, instances, names, retain=retain) if previous else _create(policy, seen.name),
    )


def was_scaled(endpoint_instances: int, config_instances: int) -> bool:
    """Whether a fleet was scaled after its rollout (by autoscaling or by hand), so that an update must keep its size.

    UpdateEndpoint otherwise sets the new config's InitialInstanceCount: under traffic, a silent scale-in.
    """
    return 0 < endpoint_instances != config_instances


def _previous(seen: Observation) -> str:
    if not seen.endpoint:
        return ""
    if seen.ours:
        return seen.ours.tag(PREVIOUS_CONFIG)
    trials = [trial.tags[PREVIOUS_CONFIG] for trial in seen.trials if trial.serving]
    return trials[0] if trials else seen.endpoint.config


def _trials(policy: Policy, seen: Observation, previous: str) -> tuple[TrialPlan, ...]:
    """Where each trial takes place: the version that serves is its control."""
    if not seen.current:
        return ()
    endpoint, current = policy.endpoint, seen.current
    control = Side(endpoint.variant, current.model, current.instance_type, current.instances)
    planned = []
    for name, trial in policy.rollout.trials:
        challenger = Side(trial_variant(seen), seen.name, endpoint.instance_type, trial.instance_count)
        scene = Scene(
            name=trial_name(seen.name, trial.suffix),
            rollout=seen.name,
            endpoint=endpoint.name,
            previous=previous,
            role_arn=endpoint.execution_role_arn,
            control=control,
            challenger=challenger,
            labels=_labels(policy, seen),
            members=capture(policy),
        )
        planned.append(TrialPlan(name, trial, scene))
    return tuple(planned)


def trial_variant(seen: Observation) -> str:
    """The new version's variant in a trial: its own in every attempt, for an experiment's metrics say no more."""
    return f"version-{seen.package.version}-{seen.name[-8:]}"


def _was_scaled(seen: Observation) -> bool:
    if not seen.endpoint or not seen.current:
        return False
    return was_scaled(seen.endpoint.instances, seen.current.instances)


def _model(policy: Policy, seen: Observation) -> Call:
    """SageMaker merges these variables with the package's own; the served model labels its metrics with them."""
    environment = {
        "METRIC_NAMESPACE": policy.endpoint.metric_namespace,
        "ENDPOINT_NAME": policy.endpoint.name,
        "VARIANT_NAME": policy.endpoint.variant,
        "ENDPOINT_CONFIG_NAME": seen.name,
    }
    parameters: Parameters = {
        "ModelName": seen.name,
        "ExecutionRoleArn": policy.endpoint.execution_role_arn,
        "Containers": [{"ModelPackageName": seen.package.arn, "Environment": environment}],
        "Tags": tags(_labels(policy, seen)),
    }
    return Call("sagemaker", "CreateModel", parameters, seen.name, f"from version {seen.package.version}")


def _config(policy: Policy, seen: Observation, previous: str) -> Call:
    endpoint = policy.endpoint
    variant = {
        "VariantName": endpoint.variant,
        "ModelName": seen.name,
        "InstanceType": endpoint.instance_type,
        "InitialInstanceCount": endpoint.instance_count,
        "InitialVariantWeight": 1.0,
    }
    parameters: Parameters = {
        "EndpointConfigName": seen.name,
        "ProductionVariants": [variant],
        **capture(policy),
        "Tags": tags({**_labels(policy, seen), PREVIOUS_CONFIG: previous or NONE, **_mark(seen)}),
    }
    why = f"{endpoint.instance_count} x {endpoint.instance_type}, variant {endpoint.variant}"
    return Call("sagemaker", "CreateEndpointConfig", parameters, seen.name, why)


def _mark(seen: Observation) -> dict[str, str]:
    return {RESTORED_FROM: seen.restored_from} if seen.restored_from else {}


def capture(policy: Policy) -> Parameters:
    """The member of an endpoint config that captures requests and answers; none when the stage asks for none."""
    wanted = policy.endpoint.data_capture
    if wanted is None:
        return {}
    return {
        "DataCaptureConfig": {
            "EnableCapture": True,
            "InitialSamplingPercentage": wanted.percent,
            "DestinationS3Uri": wanted.destination,
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
        }
    }


def _labels(policy: Policy, seen: Observation) -> dict[str, str]:
    return {
        STAGE: policy.stage,
        MODEL_PACKAGE: seen.package.arn,
        POLICY_HASH: policy.digest,
        **({COMMIT: clean(seen.package.commit)} if seen.package.commit else {}),
    }


def _create(policy: Policy, name: str) -> Call:
    """The first creation has nothing to shift from: SageMaker applies no guardrail to it."""
    parameters = {"EndpointName": policy.endpoint.name, "EndpointConfigName": name}
    return Call("sagemaker", "CreateEndpoint", parameters, policy.endpoint.name, "no guardrails: nothing served before")


def _update(policy: Policy, name: str, instances: int, alarms: list[str], *, retain: bool) -> Call:
    parameters: Parameters = {
        "EndpointName": policy.endpoint.name,
        "EndpointConfigName": name,
        "RetainAllVariantProperties": retain,
        "DeploymentConfig": deployment_config(policy, instances, alarms),
    }
    told = f"{policy.rollout.phases[-1]}, {policy.rollout.shift.told(instances)}"
    why = f"{told}, rolled back by {len(alarms)} alarms" if alarms else f"{told}, which nothing rolls back"
    return Call("sagemaker", "UpdateEndpoint", parameters, policy.endpoint.name, why)


def deployment_config(policy: Policy, instances: int, alarms: list[str]) -> dict[str, Any]:
    """UpdateEndpoint's DeploymentConfig: how traffic shifts, and the alarms that take it back."""
    rollout = policy.rollout
    config = rollout.shift.update_policy(instances, rollout.final_bake, seconds(rollout.timeout_minutes))
    guarded = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}} if alarms else {}
    return config | guarded
