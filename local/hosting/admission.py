"""Whether an operation on an endpoint may begin: what its status, its fleets and its alarms allow.

Sources: the API reference of DescribeEndpoint (what each status means), UpdateEndpoint and DeleteEndpoint; the
developer guide, "Deployment guardrails" and its exclusions. What it refuses is an AwsError ValidationException. It must
never change anything.
"""

from collections.abc import Sequence
from datetime import datetime

from local.errors import AwsError, validation
from local.hosting import rules
from local.hosting.endpoint import Endpoint
from local.hosting.guardrails import Alarms
from local.hosting.plan import VariantPlan
from local.hosting.traffic import Counts, DeploymentConfig
from local.unverified import Unverified


def check_update(endpoint: Endpoint, config: str, unverified: Unverified) -> None:
    """Refuse an update of an endpoint that is busy, Failed, or has the config already and nothing else."""
    _check_resting(endpoint)
    if config == endpoint.config and not endpoint.stray and unverified.same_config_update == "refuse":
        raise validation(f'Endpoint "{endpoint.arn}" already has endpoint configuration {config}: name another one.')


def check_scaling(endpoint: Endpoint) -> None:
    """Refuse to scale an endpoint that is busy, Failed, or serves two configs."""
    _check_resting(endpoint)
    if endpoint.stray:
        raise validation(
            f'Cannot scale endpoint "{endpoint.arn}": UpdateEndpoint must bring it back to one configuration.'
        )


def check_delete(endpoint: Endpoint) -> None:
    """Refuse to delete an endpoint that is busy."""
    if endpoint.status != "Failed":
        _check_resting(endpoint)


def check_deployment(
    endpoint: Endpoint, config: DeploymentConfig, plans: Sequence[VariantPlan], unverified: Unverified
) -> None:
    """Refuse a DeploymentConfig that SageMaker does not take for the step from the endpoint's fleet to these plans."""
    assert endpoint.blue is not None
    shadowed = endpoint.blue.shadow is not None or any(plan.shadow for plan in plans)
    new = production_counts(plans)
    rules.check(config, new, unverified, shadowed=shadowed)
    if endpoint.blue.production.keys() != new.keys():
        raise validation(
            "A DeploymentConfig needs the same variant names in the old and the new endpoint configuration; they are "
            f"{', '.join(sorted(endpoint.blue.production))} and {', '.join(sorted(new))}."
        )
    if endpoint.stray and "RollingUpdatePolicy" in config:
        raise validation(
            f'Endpoint "{endpoint.arn}" serves two configurations: use BlueGreenUpdatePolicy to replace both.'
        )


def check_alarms(names: Sequence[str], alarms: Alarms, now: datetime, unverified: Unverified) -> tuple[str, ...]:
    """Refuse alarms that do not exist or are in ALARM; which of them are to be ignored until they have left it."""
    for name in names:
        if not alarms.exists(name) and unverified.missing_alarm_at_start == "refuse":
            raise validation(f"AutoRollbackConfiguration names alarm {name}, which does not exist.")
    in_alarm = tuple(name for name in names if alarms.fired_since(name, now) is not None)
    if in_alarm and unverified.alarm_in_alarm_at_start == "refuse":
        raise validation(f"AutoRollbackConfiguration names alarm {in_alarm[0]}, which is in ALARM state already.")
    return in_alarm if unverified.alarm_in_alarm_at_start == "ignore" else ()


def production_counts(plans: Sequence[VariantPlan]) -> Counts:
    """The instances of each production variant."""
    return {plan.name: plan.count for plan in plans if not plan.shadow}


def _check_resting(endpoint: Endpoint) -> None:
    if endpoint.status == "Failed":
        raise validation(f'Cannot update endpoint "{endpoint.arn}": it is Failed and can only be deleted.')
    if endpoint.status != endpoint.resting_status:
        raise _in_progress(endpoint)


def _in_progress(endpoint: Endpoint) -> AwsError:
    return validation(f'Cannot update in-progress endpoint "{endpoint.arn}".')
