"""A pipeline as the control plane knows it: what describes it, its versions, and the executions it has had."""

from dataclasses import dataclass, field

from local.context import Response
from local.pipelines.execution import Execution
from local.pipelines.versions import Versions


@dataclass
class Pipeline:
    """One pipeline; `described` is DescribePipeline's answer without what depends on the version."""

    described: Response
    versions: Versions
    executions: list[Execution] = field(default_factory=list)

    @property
    def arn(self) -> str:
        """Its ARN."""
        return str(self.described["PipelineArn"])

    def answer(self) -> Response:
        """What describes it, and when it last ran."""
        last = self.executions[-1].created if self.executions else None
        return {**self.described, "LastRunTime": last}
