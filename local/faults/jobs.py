"""Faults of jobs and of pipeline steps: what AWS does to a job whose script and request are well, and plain failure.

Retry policies are for the former. Source: the developer guide, "Retry policy for pipeline steps".
"""

import fnmatch
from dataclasses import dataclass
from typing import ClassVar

from local.faults.which import Sometimes

TROUBLES = ("internal-error", "capacity-error", "resource-limit", "service-fault", "throttling")


@dataclass
class JobFault(Sometimes, name="job"):
    """A job of this name (with *), or of the pipeline step of this name, gets into trouble of AWS's.

    It fails by internal-error or capacity-error; resource-limit, service-fault or throttling refuse to create it.
    """

    scope: ClassVar[str] = "jobs"
    expect = "promoted"

    job: str
    trouble: str
    which: str = "first"
    seed: int = 0

    def check(self) -> None:
        super().check()
        if self.trouble not in TROUBLES:
            raise ValueError(f"its trouble is {self.trouble}; it must be one of {', '.join(TROUBLES)}")

    def hits(self, name: str) -> bool:
        """Whether it happens to the job of this name that is being created."""
        patterns = (self.job, f"pipelines-*-{self.job}-*")
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns) and self.now()


@dataclass
class StepFault(Sometimes, name="step"):
    """The pipeline step of this name fails, whatever it does, in a way that no retry policy is for."""

    scope: ClassVar[str] = "jobs"
    expect = "untouched"

    step: str
    which: str = "first"
    seed: int = 0

    def hits(self, name: str) -> bool:
        """Whether it happens to the step of this name that is being tried."""
        return fnmatch.fnmatchcase(name, self.step) and self.now()
