"""What a rollout leaves behind in the model registry, as UpdateModelPackage requests. Pure.

A request is made only when something differs, and ModelApprovalStatus is sent only to change it: every update of a
package is an event, and an approval repeated in one would start the deploy stage again.

Keys written to CustomerMetadataProperties, per stage: `<stage>-outcome`, `<stage>-config`, `<stage>-attempts`,
`<stage>-reason`. The whole map is sent each time: whether AWS merges or replaces it is not documented.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from deploy.calls import Call

APPROVED = "Approved"
REJECTED = "Rejected"
LIVE = "Live"
ARCHIVED = "Archived"
LAST_STAGE = "Production"
"""The lifecycle stage that the pipeline's evaluation looks for its champion in; no other stage overwrites it."""

PASSED = frozenset({"created", "promoted"})
ROLLED_BACK = "rolled_back"
LONGEST_DESCRIPTION = 1024
LONGEST_METADATA = 256


@dataclass(frozen=True)
class Package:
    """A version in the model registry, as DescribeModelPackage (or, with less, ListModelPackages) shows it."""

    arn: str
    group: str
    version: int
    approval: str = ""
    description: str = ""
    status: str = ""
    lifecycle: tuple[str, str] = ("", "")
    metadata: Mapping[str, str] = field(default_factory=dict)
    model_data: str = ""
    commit: str = ""

    def attempts(self, stage: str) -> int:
        """How many rollouts of this package the stage has rolled back."""
        text = self.metadata.get(f"{stage}-attempts", "0")
        return int(text) if text.isdecimal() else 0

    def outcome(self, stage: str) -> str:
        """The outcome that the stage recorded last; empty when none."""
        return self.metadata.get(f"{stage}-outcome", "")

    def has_passed(self, stage: str, config: str) -> bool:
        """Whether the stage recorded this very rollout as good."""
        return self.outcome(stage) in PASSED and self.metadata.get(f"{stage}-config") == config


def passed(package: Package, stage: str, title: str, config: str, outcome: str) -> Call | None:
    """Record the package as live in the stage, served by that config; None when that is recorded.

    A package that is live in the last stage stays so: an earlier stage does not take it back.
    """
    metadata: Mapping[str, str] = package.metadata
    if not package.has_passed(stage, config):
        metadata = _merged(package, {f"{stage}-outcome": outcome, f"{stage}-config": config})
    lifecycle = package.lifecycle if package.lifecycle == (LAST_STAGE, LIVE) else (title, LIVE)
    return _update(package, metadata, lifecycle, f"serving {config}")


def archived(package: Package, title: str, successor: int) -> Call | None:
    """Record that another version followed it in the stage; None unless it is recorded as live there."""
    if package.lifecycle != (title, LIVE):
        return None
    return _update(package, package.metadata, (title, ARCHIVED), f"followed by version {successor}")


def rejected(package: Package, stage: str, config: str, reason: str, title: str = "") -> Call | None:
    """Reject the package with the reason and count the attempt; None when that is recorded.

    With `title`, the package was live in that stage and is archived as well.
    """
    recorded = (package.outcome(stage), package.metadata.get(f"{stage}-config")) == (ROLLED_BACK, config)
    if package.approval == REJECTED and recorded:
        return None
    metadata = _merged(
        package,
        {
            f"{stage}-outcome": ROLLED_BACK,
            f"{stage}-config": config,
            f"{stage}-attempts": str(package.attempts(stage) + 1),
            f"{stage}-reason": reason,
        },
    )
    lifecycle = (title, ARCHIVED) if title and package.lifecycle == (title, LIVE) else package.lifecycle
    return _update(package, metadata, lifecycle, "rolled back", reason=reason)


def clean(text: str, longest: int = LONGEST_METADATA) -> str:
    """Text within the character set of CustomerMetadataProperties (no commas, quotes, brackets or %)."""
    spelled = text.replace("%", " percent").replace(">", " above ").replace(";", " - ")
    kept = "".join(letter for letter in spelled if letter.isalnum() or letter in " _.:/=+-@")
    return re.sub(r"\s+", " ", kept).strip()[:longest].strip() or "-"


def _merged(package: Package, values: Mapping[str, str]) -> dict[str, str]:
    return {**package.metadata, **{key: clean(value) for key, value in values.items()}}


def _update(
    package: Package, metadata: Mapping[str, str], lifecycle: tuple[str, str], said: str, reason: str = ""
) -> Call | None:
    """One request with what differs; None when nothing does."""
    changes: dict[str, object] = {}
    if reason and package.approval != REJECTED:
        changes["ModelApprovalStatus"] = REJECTED
        changes["ApprovalDescription"] = " ".join(reason.split())[:LONGEST_DESCRIPTION]
    if dict(metadata) != dict(package.metadata):
        changes["CustomerMetadataProperties"] = dict(metadata)
    if lifecycle != package.lifecycle:
        stage, status = lifecycle
        changes["ModelLifeCycle"] = {"Stage": stage, "StageStatus": status, "StageDescription": said}
    if not changes:
        return None
    parameters = {"ModelPackageArn": package.arn, **changes}
    return Call("sagemaker", "UpdateModelPackage", parameters, package.arn, f"record version {package.version}: {said}")
