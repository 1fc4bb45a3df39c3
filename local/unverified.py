"""What AWS does not document and the stand-in has to decide: one named switch each, at the safer reading unless told.

"Safer" is the reading under which a deployer that relies on more than the documentation fails here first.
`python -m local up --assume NAME=READING` chooses another one; docs/fidelity.md lists them all. It must never hold a
behaviour that AWS documents.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_type_hints


def _switch(default: str, question: str) -> Any:
    return dataclasses.field(default=default, metadata={"question": question})


@dataclass(frozen=True)
class Unverified:
    """The readings in force. Each field's choices are its type's; its question is in the field's metadata."""

    canary_rounding: Literal["down", "up"] = _switch(
        "down",
        "How many whole instances is a CAPACITY_PERCENT that is not a whole number of them? Never less than one.",
    )
    percentage_of_one_instance: Literal["refuse", "whole"] = _switch(
        "refuse", "Is a CAPACITY_PERCENT canary or step on a variant of one instance refused, or is it that instance?"
    )
    alarm_in_alarm_at_start: Literal["refuse", "roll_back", "ignore"] = _switch(
        "refuse", "What happens to an UpdateEndpoint whose rollback alarm is in ALARM already?"
    )
    missing_alarm_at_start: Literal["refuse", "ignore"] = _switch(
        "refuse", "What happens to an UpdateEndpoint whose rollback alarm does not exist?"
    )
    alarm_set_by_hand: Literal["honoured", "ignored"] = _switch(
        "honoured", "Does an ALARM state that came from SetAlarmState roll a deployment back?"
    )
    rollback_status: Literal["RollingBack", "Updating"] = _switch(
        "RollingBack", "Which EndpointStatus does an UpdateEndpoint show while it is rolled back?"
    )
    failure_reason_after_rollback: Literal["empty", "kept"] = _switch(
        "empty", "Does an endpoint that is InService again after a rollback still say why in FailureReason?"
    )
    last_deployment_config_after_rollback: Literal["attempted", "previous"] = _switch(
        "attempted", "Which deployment does LastDeploymentConfig show after a rollback?"
    )
    timeout_when_omitted: Literal["28800", "600"] = _switch(
        "28800", "What is MaximumExecutionTimeoutInSeconds when a policy does not give it?"
    )
    same_config_update: Literal["refuse", "allow"] = _switch(
        "refuse", "Is an UpdateEndpoint to the endpoint config that already serves refused?"
    )
    shifting_with_shadow: Literal["refuse", "allow"] = _switch(
        "refuse", "Is CANARY, LINEAR or rolling refused while the endpoint, or its new config, has a shadow variant?"
    )
    shifting_many_variants: Literal["refuse", "allow"] = _switch(
        "refuse", "Is CANARY or LINEAR refused on an endpoint config of several production variants?"
    )
    shadow_share: Literal["ratio", "absolute"] = _switch(
        "ratio", "Is a shadow variant's weight relative to the production variant's weight, or the share itself?"
    )
    shadow_event_id: Literal["own", "shared"] = _switch(
        "own", "Do the captures of one request by the production and the shadow variant share their eventId?"
    )
    endpoint_change_during_experiment: Literal["refuse", "allow"] = _switch(
        "refuse", "Is an endpoint refused to be updated, scaled or deleted while an inference experiment runs on it?"
    )
    captured_failures: Literal["no", "yes"] = _switch(
        "no", "Does data capture keep a request that its container failed or did not answer?"
    )
    promoted_variant_name: Literal["shadow", "production"] = _switch(
        "shadow", "Under which VariantName does a shadow serve once an inference experiment promoted it?"
    )
    unapproved_package: Literal["create_model", "create_endpoint"] = _switch(
        "create_model", "Which call refuses a model package that is not Approved?"
    )
    customer_metadata_update: Literal["merge", "replace"] = _switch(
        "merge", "Does UpdateModelPackage merge CustomerMetadataProperties into those there are, or replace them?"
    )
    created_approved_event: Literal["without_fields", "with_fields"] = _switch(
        "without_fields", "Does the event of a package that is created Approved carry UpdatedModelPackageFields?"
    )
    retry_stopped_execution: Literal["refuse", "allow"] = _switch(
        "refuse", "Is RetryPipelineExecution of a pipeline execution that was stopped refused?"
    )
    aws_namespace: Literal["refuse", "accept"] = _switch(
        "refuse", "Does PutMetricData refuse a namespace that begins with AWS/?"
    )
    scaling_while_updating: Literal["failed", "not_scaled"] = _switch(
        "failed",
        "Is a scaling that the update of its endpoint blocks a Failed activity, or one that only "
        "IncludeNotScaledActivities shows?",
    )
    scale_in_step: Literal["proportional", "one_by_one"] = _switch(
        "proportional", "Does target tracking scale in to what the metric asks for at once, or one instance at a time?"
    )


DEFAULTS = Unverified()


@dataclass(frozen=True)
class Switch:
    """One of them as a person reads it: the first of `readings` is the default."""

    name: str
    question: str
    readings: tuple[str, ...]


def switches() -> tuple[Switch, ...]:
    """Every switch, in the order they are declared."""
    types = get_type_hints(Unverified)
    return tuple(
        Switch(
            field.name,
            field.metadata["question"],
            tuple(sorted(get_args(types[field.name]), key=lambda reading: reading != field.default)),
        )
        for field in dataclasses.fields(Unverified)
    )


def assume(choices: Iterable[str]) -> Unverified:
    """The defaults, changed by choices such as "rollback_status=Updating".

    Raises ValueError that names the switch and its readings.
    """
    known = {switch.name: switch.readings for switch in switches()}
    chosen: dict[str, Any] = {}
    for choice in choices:
        name, _, reading = choice.partition("=")
        if name not in known:
            raise ValueError(f"There is no switch {name}; there are {', '.join(known)}.")
        if reading not in known[name]:
            raise ValueError(f"{name} is {' or '.join(known[name])}, not {reading or 'nothing'}.")
        chosen[name] = reading
    return Unverified(**chosen)
