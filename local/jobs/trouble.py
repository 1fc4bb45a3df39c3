"""Trouble that a job gets into for no fault of its own: how SageMaker answers it, or words it as a FailureReason. Pure.

Names are those of a pipeline's retry policies. Source: the developer guide, "Retry policy for pipeline steps"; the
words are those that AWS's users report. It must never decide what to do about it.
"""

from enum import StrEnum

from local.errors import AwsError


class Trouble(StrEnum):
    """What happens: the first two end a job that runs, the others refuse the request that would create one."""

    INTERNAL_ERROR = "SageMaker.JOB_INTERNAL_ERROR"
    CAPACITY_ERROR = "SageMaker.CAPACITY_ERROR"
    RESOURCE_LIMIT = "SageMaker.RESOURCE_LIMIT"
    SERVICE_FAULT = "Step.SERVICE_FAULT"
    THROTTLING = "Step.THROTTLING"

    @property
    def word(self) -> str:
        """What the text of a fault calls it."""
        return self.name.lower().replace("_", "-")


_REASONS = {
    Trouble.INTERNAL_ERROR: "InternalServerError: We encountered an internal error. Please try again.",
    Trouble.CAPACITY_ERROR: "CapacityError: Unable to provision requested ML compute capacity. Please retry using a "
    "different ML instance type.",
}
_ANSWERS = {
    Trouble.RESOURCE_LIMIT: AwsError(
        "ResourceLimitExceeded",
        "The account-level service limit is 0 Instances, with current utilization of 0 Instances and a request delta "
        "of 1 Instances. Please use AWS Service Quotas to request an increase for this quota.",
    ),
    Trouble.SERVICE_FAULT: AwsError("InternalFailure", "The request failed because of an unknown error.", 500),
    Trouble.THROTTLING: AwsError("ThrottlingException", "Rate exceeded"),
}
_SERVICE_FAULT = 500


def refusal(trouble: Trouble | None) -> AwsError | None:
    """What the Create operation answers; None when it is not refused."""
    answer = _ANSWERS.get(trouble) if trouble else None
    return answer and AwsError(answer.code, answer.message, answer.status)


def failure_reason(trouble: Trouble | None) -> str | None:
    """FailureReason of the job; None when it does not fail."""
    return _REASONS.get(trouble) if trouble else None


def of_answer(error: AwsError) -> Trouble | None:
    """Which trouble an answer of a service is; None when the request itself is at fault."""
    if error.code.startswith("Throttling"):
        return Trouble.THROTTLING
    if error.code == "ResourceLimitExceeded":
        return Trouble.RESOURCE_LIMIT
    return Trouble.SERVICE_FAULT if error.status >= _SERVICE_FAULT else None


def of_reason(reason: str) -> Trouble | None:
    """Which trouble a job's FailureReason tells of; None when its script or its request is at fault."""
    words = reason.partition(":")[0]
    return next((trouble for trouble, said in _REASONS.items() if said.startswith(f"{words}:")), None)
