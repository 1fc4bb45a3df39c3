"""The versions of a pipeline: each definition it has had, by number and by alias.

Sources: the API reference of UpdatePipeline, UpdatePipelineVersion and ListPipelineVersions. It must never run one.
"""

from dataclasses import dataclass, field
from datetime import datetime

from local.context import Request, Response
from local.errors import not_found, validation
from local.pipelines.definition import Definition

_MOST_ALIASES = 10


@dataclass
class Version:
    """One definition, as text and as read. `last_execution` is the ARN of the last one that ran it."""

    number: int
    text: str
    definition: Definition
    created: datetime
    aliases: list[str] = field(default_factory=list)
    display_name: str | None = None
    description: str | None = None
    last_execution: str | None = None

    def described(self) -> Response:
        """What DescribePipeline says of the version."""
        return {
            "PipelineDefinition": self.text,
            "PipelineVersionDisplayName": self.display_name,
            "PipelineVersionDescription": self.description,
            "PipelineVersionAliases": self.aliases or None,
        }

    def summary(self, pipeline_arn: str) -> Response:
        """The entry of ListPipelineVersions."""
        return {
            "PipelineArn": pipeline_arn,
            "PipelineVersionId": self.number,
            "CreationTime": self.created,
            "PipelineVersionDisplayName": self.display_name,
            "PipelineVersionDescription": self.description,
            "PipelineVersionAliases": self.aliases or None,
            "LastExecutionPipelineExecutionArn": self.last_execution,
        }


class Versions:
    """The versions of one pipeline, oldest first; there is always one."""

    def __init__(self, arn: str) -> None:
        self.all: list[Version] = []
        self._arn = arn

    @property
    def latest(self) -> Version:
        """The version that is described and executed unless a request says otherwise."""
        return self.all[-1]

    def add(self, text: str, definition: Definition, now: datetime, aliases: list[str]) -> None:
        """A new version. Raises a ValidationException for an alias that cannot be given."""
        self._check(aliases, aliases)
        self.all.append(Version(len(self.all) + 1, text, definition, now, list(aliases)))

    def find(self, request: Request) -> Version:
        """The version of PipelineVersionId or PipelineVersionAlias, else the latest. Raises ResourceNotFound."""
        number, alias = request.get("PipelineVersionId"), request.get("PipelineVersionAlias")
        if number is not None and alias is not None:
            raise validation("PipelineVersionId and PipelineVersionAlias cannot be given together.")
        if number is None and alias is None:
            return self.latest
        found = [version for version in self.all if version.number == number or alias in version.aliases]
        if not found:
            raise not_found(f"Pipeline '{self._arn}' has no version {number if alias is None else alias}.")
        return found[0]

    def update(self, request: Request) -> Version:
        """Change a version's name, description and aliases, as UpdatePipelineVersion asks."""
        version = self.find({"PipelineVersionId": request["PipelineVersionId"]})
        change = request.get("PipelineVersionAliasOperations", {})
        kept = [alias for alias in version.aliases if alias not in change.get("Remove", [])]
        added = [alias for alias in change.get("Add", []) if alias not in kept]
        self._check(added, [*kept, *added], version)
        version.aliases = [*kept, *added]
        version.display_name = request.get("PipelineVersionDisplayName", version.display_name)
        version.description = request.get("PipelineVersionDescription", version.description)
        return version

    def _check(self, added: list[str], together: list[str], of: Version | None = None) -> None:
        taken = {alias for version in self.all if version is not of for alias in version.aliases}
        for alias in added:
            if alias.isdigit():
                raise validation(f"Pipeline version alias {alias} cannot consist of numbers only.")
            if alias in taken or together.count(alias) > 1:
                raise validation(f"Pipeline version alias {alias} is taken; remove it from the version that has it.")
        if len(together) > _MOST_ALIASES:
            raise validation(f"A pipeline version has at most {_MOST_ALIASES} aliases, not {len(together)}.")
