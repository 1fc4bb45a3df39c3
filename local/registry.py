"""SageMaker Model Registry: package groups, versioned packages, approval, life cycle, and the event an approval sends.

UpdateModelPackage merges: what a request does not name stays as it is. ARNs are lower-case, as AWS writes them.
Sources: the API reference of CreateModelPackage, UpdateModelPackage and ListModelPackages; the developer guide on
updating a model's approval status and on the events SageMaker sends to EventBridge. It must never start a deployment.
"""

from typing import Any

from local.context import Context, Request, Response
from local.errors import AwsError, validation

EVENT = "SageMaker Model Package State Change"
_KEPT = (
    "ModelPackageDescription",
    "InferenceSpecification",
    "MetadataProperties",
    "ModelMetrics",
    "DriftCheckBaselines",
    "CustomerMetadataProperties",
    "AdditionalInferenceSpecifications",
    "SkipModelValidation",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
    "Domain",
    "Task",
    "SamplePayloadUrl",
)
_SUMMARY = (
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "ModelPackageStatus",
    "ModelApprovalStatus",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
)
_REPLACED = (
    "ModelApprovalStatus",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
)


class Registry:
    """Groups by name, packages by ARN."""

    def __init__(self, context: Context, tags: dict[str, list[dict[str, str]]]) -> None:
        self._context = context
        self._tags = tags
        self._groups: dict[str, Response] = {}
        self._packages: dict[str, Response] = {}
        self._latest: dict[str, int] = {}

    def create_model_package_group(self, request: Request) -> Response:
        """A new group; its name is taken only once."""
        name = request["ModelPackageGroupName"]
        if name in self._groups:
            raise validation(f"Model Package Group already exists: {self._groups[name]['ModelPackageGroupArn']}")
        arn = self._context.arn(f"model-package-group/{name}".lower())
        self._groups[name] = {
            "ModelPackageGroupName": name,
            "ModelPackageGroupArn": arn,
            "ModelPackageGroupDescription": request.get("ModelPackageGroupDescription"),
            "CreationTime": self._context.clock.now(),
            "CreatedBy": {},
            "ModelPackageGroupStatus": "Completed",
        }
        self._tags[arn] = request.get("Tags", [])
        return {"ModelPackageGroupArn": arn}

    def describe_model_package_group(self, request: Request) -> Response:
        """The group, by name or ARN."""
        return self._groups[self._group_name(request["ModelPackageGroupName"])]

    def list_model_package_groups(self, request: Request) -> Response:
        """Every group whose name contains NameContains, by name."""
        wanted = request.get("NameContains", "")
        groups = [group for name, group in sorted(self._groups.items()) if wanted in name]
        return {"ModelPackageGroupSummaryList": groups}

    def delete_model_package_group(self, request: Request) -> Response:
        """Remove a group that holds no package."""
        name = self._group_name(request["ModelPackageGroupName"])
        if any(package["ModelPackageGroupName"] == name for package in self._packages.values()):
            raise AwsError("ConflictException", f"Model Package Group {name} cannot be deleted: it has model packages.")
        del self._groups[name]
        return {}

    def create_model_package(self, request: Request) -> Response:
        """A new version in its group, PendingManualApproval unless the request says otherwise."""
        if "ModelPackageGroupName" not in request:
            raise validation("This registry keeps versioned packages: ModelPackageGroupName is needed.")
        if request.get("Tags"):
            raise validation("Tags are not allowed on a versioned model package; tag its group.")
        group = self._group_name(request["ModelPackageGroupName"])
        self._latest[group] = version = self._latest.get(group, 0) + 1
        arn = self._context.arn(f"model-package/{group}/{version}".lower())
        now = self._context.clock.now()
        self._packages[arn] = {
            "ModelPackageName": f"{group}/{version}",
            "ModelPackageGroupName": group,
            "ModelPackageVersion": version,
            "ModelPackageArn": arn,
            "CreationTime": now,
            "LastModifiedTime": now,
            "CreatedBy": {},
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            "CertifyForMarketplace": False,
            "ModelApprovalStatus": request.get("ModelApprovalStatus", "PendingManualApproval"),
            **{member: request[member] for member in _KEPT if member in request},
        }
        self._announce(arn, [])
        return {"ModelPackageArn": arn}

    def describe_model_package(self, request: Request) -> Response:
        """The package, by ARN."""
        arn = request["ModelPackageName"]
        if arn not in self._packages:
            raise validation(f"ModelPackage {arn} does not exist.")
        return self._packages[arn]

    def list_model_packages(self, request: Request) -> Response:
        """One page of summaries, filtered. Documented defaults: oldest first, 100 a page, unversioned packages only."""
        kind = request.get("ModelPackageType", "Unversioned")
        if "ModelPackageGroupName" in request:
            group = self._group_name(request["ModelPackageGroupName"])
            packages = [p for p in self._packages.values() if p["ModelPackageGroupName"] == group]
        else:
            packages = [] if kind == "Unversioned" else list(self._packages.values())
        status = request.get("ModelApprovalStatus")
        packages = [p for p in packages if status in (None, p["ModelApprovalStatus"])]
        if request.get("SortOrder", "Ascending") == "Descending":
            packages.reverse()
        start, size = int(request.get("NextToken", 0)), request.get("MaxResults", 100)
        page = [{member: p.get(member) for member in _SUMMARY} for p in packages[start : start + size]]
        token = str(start + size) if start + size < len(packages) else None
        return {"ModelPackageSummaryList": page, "NextToken": token}

    def update_model_package(self, request: Request) -> Response:
        """Change what the request names and nothing else, and send the event that says which members changed."""
        package = self.describe_model_package({"ModelPackageName": request["ModelPackageArn"]})
        changed = [m for m in _REPLACED if m in request and request[m] != package.get(m)]
        package.update({member: request[member] for member in changed})
        metadata = {
            **package.get("CustomerMetadataProperties", {}),
            **request.get("CustomerMetadataProperties", {}),
        }
        for key in request.get("CustomerMetadataPropertiesToRemove", []):
            metadata.pop(key, None)
        if metadata != package.get("CustomerMetadataProperties", {}):
            package["CustomerMetadataProperties"] = metadata
            changed.append("CustomerMetadataProperties")
        package["LastModifiedTime"] = self._context.clock.now()
        self._announce(package["ModelPackageArn"], changed)
        return {"ModelPackageArn": package["ModelPackageArn"]}

    def delete_model_package(self, request: Request) -> Response:
        """Remove one version; its number is not given again."""
        self.describe_model_package(request)
        del self._packages[request["ModelPackageName"]]
        return {}

    def _group_name(self, name_or_arn: str) -> str:
        for name, group in self._groups.items():
            if name_or_arn in (name, group["ModelPackageGroupArn"]):
                return name
        raise validation(f"Model Package Group {name_or_arn} does not exist.")

    def _announce(self, arn: str, changed: list[str]) -> None:
        package = self._packages[arn]
        detail: dict[str, Any] = {
            member: package[member]
            for member in (
                "ModelPackageGroupName",
                "ModelPackageVersion",
                "ModelPackageArn",
                "InferenceSpecification",
                "ModelPackageStatus",
                "ModelPackageStatusDetails",
                "CertifyForMarketplace",
                "ModelApprovalStatus",
                "MetadataProperties",
                "ModelMetrics",
                "ApprovalDescription",
                "ModelLifeCycle",
            )
            if member in package
        }
        for member in ("CreationTime", "LastModifiedTime"):
            detail[member] = f"{package[member]:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
        if changed:
            detail["UpdatedModelPackageFields"] = changed
        self._context.emit(EVENT, [arn], detail)
