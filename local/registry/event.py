"""The event of a model package that was created or changed. Pure.

UpdatedModelPackageFields names what an update changed; without a change there is none. Source: the developer guide,
"Events that Amazon SageMaker AI sends to Amazon EventBridge", model package state change.
"""

from datetime import datetime
from typing import Any

from local.context import Response

KIND = "SageMaker Model Package State Change"
_MEMBERS = (
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "CreationTime",
    "InferenceSpecification",
    "ModelPackageStatus",
    "ModelPackageStatusDetails",
    "CertifyForMarketplace",
    "ModelApprovalStatus",
    "MetadataProperties",
    "ModelMetrics",
    "LastModifiedTime",
    "ApprovalDescription",
    "ModelLifeCycle",
)


def detail(package: Response, changed: list[str]) -> dict[str, Any]:
    """The event's detail: times are ISO 8601 to the second."""
    known = {member: _plain(package[member]) for member in _MEMBERS if member in package}
    return known | ({"UpdatedModelPackageFields": changed} if changed else {})


def _plain(value: Any) -> Any:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value
