"""What the acts of one rehearsal share: story, stand-in, narrator, report, and the way commands are run.

It must never tell an outcome: the acts do.
"""

import asyncio
import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.context import ACCESS_KEY
from local.rehearsal import commands
from local.rehearsal.narrator import Narrator
from local.rehearsal.problems import RehearsalError
from local.rehearsal.report import Report
from local.rehearsal.story import Story
from local.rehearsal.wishes import Wishes
from local.server import Running

DEPLOYER = "deployer"
"""The access key of the deploy stage."""


@dataclass(frozen=True)
class Scene:
    """`sagemaker` and `s3` are blocking boto3 clients on the stand-in, for use in threads."""

    story: Story
    local: Running
    tell: Narrator
    report: Report
    wishes: Wishes
    sagemaker: Any
    s3: Any

    @classmethod
    async def of(cls, story: Story, local: Running, tell: Narrator, report: Report, wishes: Wishes) -> "Scene":
        """The scene, with its clients made off the event loop."""
        client = local.context.client
        sagemaker, s3 = await asyncio.to_thread(lambda: (client("sagemaker"), client("s3")))
        return cls(story, local, tell, report, wishes, sagemaker, s3)

    async def command(
        self,
        command: str,
        listen: Callable[[str], None] = lambda line: None,
        accept: tuple[int, ...] = (0,),
        caller: str = ACCESS_KEY,
    ) -> commands.Ended:
        """Run a command of the project, with an access key of its own if faults are to know its calls.

        Raises RehearsalError when its exit code is not one that is accepted.
        """
        environment = {**self.local.context.job_environment(), **self.story.environment, "AWS_ACCESS_KEY_ID": caller}
        try:
            ended = await commands.run(command, environment, listen)
        except FileNotFoundError as error:
            raise RehearsalError(f"`{command}`: there is no program {error.filename}", exit_code=2) from error
        if ended.code not in accept:
            said = f"`{command}` exited with {ended.code}:\n{ended.stderr or ended.stdout}"
            raise RehearsalError(said, exit_code=2 if ended.code == 2 else 1)
        return ended

    def settings(self) -> str:
        """The options by which the wishes change the stages' policies."""
        strategy = [f"rollout.strategy={self.wishes.strategy}"] if self.wishes.strategy else []
        return "".join(f" --set {shlex.quote(setting)}" for setting in [*strategy, *self.wishes.settings])

    def read(self, uri: str, size: int | None = None) -> str:
        """The text of an S3 object, or its first `size` bytes. It blocks: for threads."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        part = {"Range": f"bytes=0-{size}"} if size else {}
        body = self.s3.get_object(Bucket=bucket, Key=key, **part)["Body"]
        return str(body.read().decode(errors="ignore"))

    def expect(self, as_told: bool, surprise: str) -> None:
        """Note a surprise when something did not go as the story tells."""
        if not as_told:
            self.report.surprises.append(surprise)


def json_of(ended: commands.Ended) -> dict[str, Any]:
    """What a command printed with --json. Raises RehearsalError when that is no JSON."""
    try:
        return dict(json.loads(ended.stdout))
    except ValueError as error:
        raise RehearsalError(f"`{ended.command}` printed no JSON:\n{ended.stderr or ended.stdout}") from error
