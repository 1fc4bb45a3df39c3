"""Names that say themselves: the same rollout has the same names in every run, so every create can be repeated.

One name serves a rollout's model and endpoint config alike, and begins the names of its alarms. Each rollout has an
endpoint config of its own, because CloudWatch tells the fleets of an update apart by the endpoint config's name alone.
"""

import hashlib
import re

from deploy.errors import UsageError

LONGEST = 63
PACKAGE_ARN = re.compile(
    r"^arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]+:\d{12}:model-package/(?P<group>[^/\s]+)/(?P<version>\d+)$"
)


def check_package_arn(arn: str) -> str:
    """The ARN of a versioned model package; UsageError when it is something else."""
    if not PACKAGE_ARN.match(arn):
        raise UsageError(
            f"--model-package {arn} is not the ARN of a version of a model package. "
            "Write arn:aws:sagemaker:<region>:<account>:model-package/<group>/<version>."
        )
    return arn


def version_label(arn: str) -> str:
    """`version 3 of flight-delay`, for people; the ARN itself when it is not a versioned package's."""
    match = PACKAGE_ARN.match(arn)
    return f"version {match['version']} of {match['group']}" if match else arn


def rollout_name(
    endpoint: str, package_arn: str, version: int, attempt: int, policy_digest: str, serving: str = ""
) -> str:
    """`<endpoint>-v<version>-<attempt>-<8 hex digits>`, at most 63 characters: a long endpoint name is cut.

    `serving` is the endpoint config that is replaced: a version that comes back later is another rollout, with metrics,
    alarms and a predecessor of its own.
    """
    parts = f"{endpoint}\n{package_arn}\n{attempt}\n{policy_digest}\n{serving}"
    seal = hashlib.sha256(parts.encode()).hexdigest()[:8]
    ending = f"-v{version}-{attempt}-{seal}"
    return endpoint[: LONGEST - len(ending)].rstrip("-") + ending


def trial_name(rollout: str, suffix: str) -> str:
    """The endpoint config, or the inference experiment, of one trial of a rollout: at most 63 characters."""
    head, _, seal = rollout.rpartition("-")
    return f"{head[: LONGEST - len(seal) - len(suffix) - 2].rstrip('-')}-{seal}-{suffix}"


def alarm_name(rollout: str, guardrail: str) -> str:
    """The alarm of one guardrail of one rollout."""
    return f"{rollout}-{guardrail}"


def rollout_pattern(endpoint: str) -> re.Pattern[str]:
    """Names of an endpoint's rollouts and of their trials. A name that had to be cut is nobody's for sure: no match."""
    return re.compile(rf"{re.escape(endpoint)}-v\d+-\d+-[0-9a-f]{{8}}(?:-[a-z]+)?")


def rollout_of(alarm: str) -> str:
    """The rollout whose alarm it is; empty when its name is none of ours."""
    match = re.match(r"^(?P<rollout>.+-v\d+-\d+-[0-9a-f]{8})-[a-z0-9\-]+$", alarm)
    return match["rollout"] if match else ""
