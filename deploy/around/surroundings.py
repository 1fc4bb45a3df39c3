"""What surrounds a rollout, read from AWS: scaling, quota, a smoke request's answer, what old rollouts have left.

Only Describe, List and Get calls, and the smoke request. What may not be read counts as unknown: it refuses no rollout.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from deploy.around import scaling
from deploy.around.housekeeping import NOTHING, Kept, Leftovers
from deploy.aws import Aws
from deploy.errors import code, message
from deploy.policy import Policy, Smoke

T = TypeVar("T")
SHOWN = 120


@dataclass(frozen=True)
class Around:
    """What surrounds a rollout.

    `scales` says that the variant is a scalable target; `quota` is how many instances of the type endpoints may have,
    None when unknown; `smoke` what is wrong with the smoke request's answer, empty when nothing is, None when none was
    sent; `paused` why nothing new may begin, empty when it may.
    """

    scales: bool = False
    quota: int | None = None
    smoke: str | None = None
    paused: str = ""
    left: Leftovers = NOTHING


ALONE = Around()


def scales(aws: Aws, policy: Policy) -> bool:
    """Whether the variant is a scalable target."""

    def read() -> bool:
        said = aws.autoscaling.describe_scalable_targets(
            ServiceNamespace="sagemaker", ResourceIds=[scaling.resource(policy)]
        )
        return bool(said["ScalableTargets"])

    return _read(read, unknown=False)


def quota(aws: Aws, instance_type: str) -> int | None:
    """How many instances of the type endpoints may have in this account and region."""

    def read() -> int | None:
        pages = aws.quotas.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
        wanted = f"{instance_type} for endpoint usage"
        found = [item["Value"] for page in pages for item in page["Quotas"] if item["QuotaName"] == wanted]
        return int(found[0]) if found else None

    return _read(read, unknown=None)


def leftovers(aws: Aws, endpoint: str) -> Leftovers:
    """Endpoint configs and alarms that carry the endpoint's name."""

    def read() -> Leftovers:
        configs = aws.sagemaker.get_paginator("list_endpoint_configs").paginate(NameContains=endpoint)
        alarms = aws.cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=f"{endpoint}-v", AlarmTypes=["MetricAlarm"]
        )
        return Leftovers(
            tuple(
                Kept(item["EndpointConfigName"], item["CreationTime"])
                for page in configs
                for item in page["EndpointConfigs"]
            ),
            tuple(alarm["AlarmName"] for page in alarms for alarm in page.get("MetricAlarms", [])),
        )

    return _read(read, unknown=NOTHING)


def smoke(aws: Aws, endpoint: str, request: Smoke) -> str:
    """Send the smoke request; what is wrong with its answer, empty when nothing is."""
    try:
        said: Any = aws.runtime.invoke_endpoint(
            EndpointName=endpoint,
            Body=request.body.encode(),
            ContentType=request.content_type,
            Accept=request.accept,
        )
        answer = said["Body"].read().decode(errors="replace")
    except ClientError as error:
        return f"{code(error)}: {message(error)[:SHOWN]}"
    except BotoCoreError as error:
        return str(error)[:SHOWN]
    if re.search(request.expect, answer):
        return ""
    return f"it was answered {answer[:SHOWN]!r}, which endpoint.smoke.expect {request.expect!r} does not match"


def _read(read: Callable[[], T], unknown: T) -> T:
    try:
        return read()
    except (ClientError, BotoCoreError):
        return unknown
