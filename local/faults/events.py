"""Faults of events. The target is a detail type, such as `SageMaker Model Package State Change`."""

from dataclasses import dataclass
from typing import ClassVar

from local.faults.fault import Fault, within


@dataclass
class Duplicates(Fault, name="duplicates"):
    """So many copies follow each event: EventBridge delivers at least once, and SageMaker may send twice."""

    scope: ClassVar[str] = "events"
    expect = "promoted"

    copies: int = within(1, default=1)
