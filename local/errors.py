"""The one exception that becomes an AWS error response, and the one that means there will be no stand-in to answer.

Anything else that escapes an operation is a bug of the stand-in, and is answered as InternalFailure.
"""


class CannotStartError(Exception):
    """The stand-in cannot start. The message tells whoever starts it why, and what to do."""


class AwsError(Exception):
    """An error as AWS clients know it: a code they can branch on, a message a person can read, an HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def validation(message: str) -> AwsError:
    """What SageMaker answers to a request it cannot accept, including one that names something missing."""
    return AwsError("ValidationException", message)


def not_found(message: str) -> AwsError:
    """What SageMaker's newer operations (pipelines, experiments) answer when the thing named does not exist."""
    return AwsError("ResourceNotFound", message)
