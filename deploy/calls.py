"""One AWS request as data: what plan prints, decide chooses and execute sends. It sends nothing itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """An AWS request: service (`sagemaker`), operation (`CreateModel`), its parameters, what it is on, and why.

    A refusal of an `optional` one is said and changes no outcome: it is about what surrounds the rollout.
    """

    service: str
    operation: str
    parameters: Parameters
    target: str
    why: str
    optional: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Two calls with the same key are the same step of a rollout."""
        return self.operation, self.target


def tags(values: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as AWS's requests spell them."""
    return [{"Key": key, "Value": value} for key, value in values.items()]
