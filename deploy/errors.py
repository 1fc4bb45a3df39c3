"""What can go wrong, as sentences for the person who reads them: what is wrong, where, and what to do.

Nothing here catches anything: `cli.py` is the one place where an error becomes text and an exit code.
"""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    TokenRetrievalError,
)

ACCESS_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId"})
THROTTLED = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"})
QUOTA = frozenset({"ResourceLimitExceeded", "LimitExceededException"})


class DeployError(Exception):
    """A sentence for a person; the command ends with `exit_code`."""

    exit_code = 1


class UsageError(DeployError):
    """The command was not given what it needs; nothing was sent to AWS."""

    exit_code = 2


class PolicyError(UsageError):
    """The stage's policy cannot be used: every problem at once, one sentence each, before any AWS call."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def code(error: ClientError) -> str:
    """AWS's error code."""
    return error.response.get("Error", {}).get("Code", "")


def message(error: ClientError) -> str:
    """AWS's own message."""
    return error.response.get("Error", {}).get("Message", "")


def is_missing(error: ClientError) -> bool:
    """Whether AWS says that the thing named does not exist (SageMaker says so with a ValidationException)."""
    said = message(error).lower()
    return code(error) in {"ResourceNotFound", "ResourceNotFoundException", "404", "NoSuchKey", "NoSuchBucket"} or (
        code(error) == "ValidationException"
        and any(words in said for words in ("could not find", "does not exist", "not found"))
    )


def explain(error: ClientError | BotoCoreError) -> str:
    """One sentence: the operation, what AWS answered, what to do."""
    if isinstance(error, ClientError):
        return f"{error.operation_name} failed: {message(error) or code(error)} ({code(error)}). {_advice(error)}"
    if isinstance(error, NoRegionError):
        return "No AWS region is set. Set AWS_DEFAULT_REGION, or a region in the AWS profile."
    if isinstance(error, NoCredentialsError | PartialCredentialsError | TokenRetrievalError):
        return f"No usable AWS credentials: {error} Sign in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID."
    if isinstance(error, EndpointConnectionError):
        return f"AWS cannot be reached: {error} Check the network and AWS_ENDPOINT_URL; then run the command again."
    return f"The AWS client failed: {error}. Run the command again; it continues where it stopped."


def _advice(error: ClientError) -> str:
    """What to do about AWS's error code."""
    if code(error) in ACCESS_DENIED:
        return f"Allow the role that runs this command to call {error.operation_name}."
    if code(error) in EXPIRED:
        return "Renew the AWS credentials and run the command again; it continues where it stopped."
    if code(error) in THROTTLED:
        return "AWS limits the call rate: run the command again; it continues where it stopped."
    if code(error) in QUOTA:
        return "Ask for a higher quota in Service Quotas, or choose fewer or other instances (endpoint.instance_type)."
    return "Mend what it names and run the command again; it continues where it stopped."
