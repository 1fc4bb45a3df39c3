"""What an instance runs, as whoever owns it writes it down and its process reads it.

It must never import what a container has: the stand-in itself would load it.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Spec:
    """What an instance runs: an archive, a folder that stands for /opt/ml, the container's environment, a log file.

    `faults` are texts of container faults; their seconds are AWS's, AWS_CLOCK_SPEED of them a second.
    """

    model_data: Path
    folder: Path
    environment: Mapping[str, str]
    log: Path
    faults: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON types."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Spec":
        """What `to_json` made."""
        paths = {name: Path(fields[name]) for name in ("model_data", "folder", "log")}
        return cls(**{**fields, **paths})


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else dict(value) if isinstance(value, Mapping) else value
