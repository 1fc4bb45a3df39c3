"""Finds the model that is live in production, in the Model Registry, and fetches it.

The champion is the newest Approved package of the group whose ModelLifeCycle is Production / Live, as a completed
rollout records it. Clients are handed in; nothing here changes anything in AWS.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from problems import Problem

STAGE, STATUS = "Production", "Live"


class Registry(Protocol):
    """What is needed of boto3's `sagemaker` client."""

    def list_model_packages(self, *args: Any, **request: Any) -> Any:
        """Summaries, a page at a time."""

    def describe_model_package(self, *args: Any, **request: Any) -> Any:
        """All about one package."""


class Storage(Protocol):
    """What is needed of boto3's `s3` client."""

    def download_file(self, *args: Any, **options: Any) -> Any:
        """Fetch an object (bucket, key) into a file."""


@dataclass(frozen=True)
class Champion:
    """A package and where its model.tar.gz lies."""

    arn: str
    model_data_url: str


def find_champion(registry: Registry, group: str) -> Champion | None:
    """The live package of `group`, or None when there is none yet. Raises Problem when its model cannot be located."""
    request: dict[str, Any] = {
        "ModelPackageGroupName": group,
        "ModelApprovalStatus": "Approved",
        "SortBy": "CreationTime",
        "SortOrder": "Descending",
    }
    while True:
        page = _page(registry, request)
        for summary in page["ModelPackageSummaryList"]:
            package = registry.describe_model_package(ModelPackageName=summary["ModelPackageArn"])
            stage = package.get("ModelLifeCycle", {})
            if (stage.get("Stage"), stage.get("StageStatus")) == (STAGE, STATUS):
                return Champion(summary["ModelPackageArn"], _model_data_url(package))
        if "NextToken" not in page:
            return None
        request["NextToken"] = page["NextToken"]


def _page(registry: Registry, request: dict[str, Any]) -> Any:
    """A page of packages; a group that does not exist yet has none (the first run registers into it)."""
    try:
        return registry.list_model_packages(**request)
    except Exception as error:
        answer = getattr(error, "response", {}).get("Error", {})
        if answer.get("Code") in ("ValidationException", "ResourceNotFound") and "exist" in answer.get("Message", ""):
            return {"ModelPackageSummaryList": []}
        raise


def _model_data_url(package: Any) -> str:
    containers = package.get("InferenceSpecification", {}).get("Containers", [])
    container = containers[0] if containers else {}
    url = container.get("ModelDataUrl") or container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri", "")
    if not url.startswith("s3://"):
        raise Problem(
            f"{package['ModelPackageArn']} is live but names no model data in S3: it cannot be compared with."
        )
    return str(url)


def fetch(storage: Storage, champion: Champion, path: Path) -> None:
    """Download the champion's model.tar.gz to `path`."""
    address = urlsplit(champion.model_data_url)
    storage.download_file(address.netloc, address.path.lstrip("/"), str(path))
