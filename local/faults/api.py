"""Faults of AWS's API: what a caller gets instead of an answer. They are about operations of every service here.

The target is a caller, by its access key; none: everybody. An operation is named as AWS names it, with * for any part.
Sources: the common errors of the SageMaker API reference; the list of errors of the Amazon S3 API reference.
"""

import contextlib
import difflib
import fnmatch
import functools
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from local.errors import AwsError
from local.faults.which import Sometimes

T = TypeVar("T")
Perform = Callable[[], Awaitable[T]]

SERVICES = (
    "sagemaker",
    "sagemaker-runtime",
    "cloudwatch",
    "application-autoscaling",
    "s3",
    "sqs",
    "sns",
    "events",
    "logs",
    "sts",
    "iam",
)
"""Those whose operations can be named, by botocore's names."""

_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/,\s]+)/")


class NoAnswerError(Exception):
    """The caller gets no answer: it waits until it gives up, or its connection is closed at once."""

    def __init__(self, *, hang_up: bool) -> None:
        super().__init__("no answer is sent")
        self.hang_up = hang_up


@dataclass
class ApiFault(Sometimes):
    """Something that happens to calls of an operation."""

    scope: ClassVar[str] = "api"
    expect = "promoted"

    operation: str
    which: str = "first"
    seed: int = 0

    def check(self) -> None:
        super().check()
        _known(self.operation)

    def hits(self, operation: str) -> bool:
        """Whether it happens to this call."""
        return fnmatch.fnmatchcase(operation, self.operation) and self.now()

    async def around(self, service: str, perform: Perform[T]) -> T:
        """What becomes of a call that it happens to."""
        return await perform()


@dataclass
class Throttle(ApiFault, name="throttle"):
    """The call is refused before anything is done: ThrottlingException (400), of S3 SlowDown (503)."""

    async def around(self, service: str, perform: Perform[T]) -> T:
        if service == "s3":
            raise AwsError("SlowDown", "Please reduce your request rate.", 503)
        raise AwsError("ThrottlingException", "Rate exceeded", 400)


@dataclass
class Broken(ApiFault, name="broken"):
    """The call fails before anything is done: InternalFailure (500), of S3 InternalError."""

    async def around(self, service: str, perform: Perform[T]) -> T:
        code = "InternalError" if service == "s3" else "InternalFailure"
        said = "The request processing has failed because of an unknown error, exception or failure."
        raise AwsError(code, said, 500)


@dataclass
class Timeout(ApiFault, name="timeout"):
    """The call is not performed, and no answer comes however long the caller waits."""

    async def around(self, service: str, perform: Perform[T]) -> T:
        raise NoAnswerError(hang_up=False)


@dataclass
class Lost(ApiFault, name="lost"):
    """The call is performed, and its answer is lost: the connection is closed."""

    async def around(self, service: str, perform: Perform[T]) -> T:
        with contextlib.suppress(AwsError):
            await perform()
        raise NoAnswerError(hang_up=True)


async def under(faults: Iterable[ApiFault], service: str, operation: str, perform: Perform[T]) -> T:
    """Perform a call as far as these faults let it. Raises AwsError or NoAnswerError besides what it raises itself."""
    for fault in faults:
        if fault.hits(operation):
            return await fault.around(service, perform)
    return await perform()


def caller(headers: Mapping[str, str]) -> str:
    """The access key that a request is signed with; empty when it is not signed."""
    match = _CREDENTIAL.search(headers.get("Authorization", ""))
    return match["key"] if match else ""


def _known(pattern: str) -> None:
    """Raise ValueError when no operation is called so."""
    if not fnmatch.filter(_operations(), pattern):
        near = difflib.get_close_matches(pattern, _operations(), 1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        raise ValueError(f"its operation is {pattern}, which none of {', '.join(SERVICES)} has{meant}")


@functools.cache
def _operations() -> tuple[str, ...]:
    from moto.core.utils import get_service_model  # only who names an operation waits for the models

    return tuple(name for service in SERVICES for name in get_service_model(service).operation_names)
