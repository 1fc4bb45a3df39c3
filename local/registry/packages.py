"""Model packages: versions of a group, or unversioned ones with a name of their own.

A version's number is its group's next, and never given again. ARNs are lower-case, as AWS writes them. Sources: the API
reference of CreateModelPackage, UpdateModelPackage, ListModelPackages and DeleteModelPackage. It must never start a
deployment, and it validates no model: a package is Completed at once.
"""

from typing import Any

from local.context import Context, Request, Response
from local.errors import validation
from local.idempotency import Tokens
from local.listing import page
from local.registry import changes, event
from local.registry.groups import Groups, user

_NOT_KEPT = ("ModelPackageName", "ModelPackageGroupName", "Tags", "ClientToken")
_SUMMARY = (
    "ModelPackageName",
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


class Packages:
    """The packages, as DescribeModelPackage shows them, by ARN."""

    def __init__(self, context: Context, groups: Groups, tags: dict[str, Any]) -> None:
        self._context = context
        self._groups = groups
        self._tags = tags
        self._tokens = Tokens()
        self._packages: dict[str, Response] = {}
        self._latest: dict[str, int] = {}

    def create(self, request: Request) -> Response:
        """A new version of a group, PendingManualApproval unless the request says otherwise, or an unversioned one."""
        return self._tokens.once("CreateModelPackage", request, self._create)

    def find(self, name: str) -> Response:
        """The package of an ARN, of a name, or of group/version. Raises AwsError when there is none."""
        arn = name if name.startswith("arn:") else self._arn(name)
        if arn not in self._packages:
            raise validation(f"ModelPackage {arn} does not exist.")
        return self._packages[arn]

    def versioned(self, arn: str) -> Response:
        """The version of a group that has the ARN. Raises AwsError for any other package."""
        package = self.find(arn)
        if "ModelPackageVersion" not in package:
            raise validation(f"ModelPackage {arn} is not versioned; the operation takes versions of a group.")
        return package

    def of_group(self, name: str) -> list[Response]:
        """The versions of a group, oldest first."""
        return [package for package in self._packages.values() if package.get("ModelPackageGroupName") == name]

    def summaries(self, request: Request) -> Response:
        """Summaries, oldest first, of unversioned packages unless the request names a group or another type."""
        packages = list(self._packages.values())
        if "ModelPackageGroupName" in request:
            group = self._groups.find(request["ModelPackageGroupName"])
            packages = self.of_group(group["ModelPackageGroupName"])
        elif (kind := request.get("ModelPackageType", "Unversioned")) != "Both":
            packages = [p for p in packages if ("ModelPackageVersion" in p) == (kind == "Versioned")]
        status = request.get("ModelApprovalStatus")
        packages = [package for package in packages if status in (None, package.get("ModelApprovalStatus"))]
        result = "ModelPackageSummaryList"
        found = page(packages, request, kind="ModelPackage", members=_SUMMARY, result=result, order="Ascending")
        for summary in found[result]:
            if summary["ModelPackageVersion"]:
                del summary["ModelPackageName"]
        return found

    def update(self, request: Request) -> Response:
        """Change what the request names and nothing else, and send the event that says which members changed."""
        return self._tokens.once("UpdateModelPackage", request, self._update)

    def delete(self, request: Request) -> Response:
        """Remove a package; models that were made of it stay."""
        arn = self.find(request["ModelPackageName"])["ModelPackageArn"]
        del self._packages[arn]
        self._tags.pop(arn, None)
        return {}

    def _create(self, request: Request) -> Response:
        name = self._name(request)
        changes.check_card(request.get("ModelCard", {}))
        now, arn = self._context.clock.now(), self._arn(name["ModelPackageName"])
        self._packages[arn] = {
            "CertifyForMarketplace": False,
            **{member: value for member, value in request.items() if member not in _NOT_KEPT},
            **name,
            "ModelPackageArn": arn,
            "CreationTime": now,
            "LastModifiedTime": now,
            "CreatedBy": user(self._context),
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        }
        approved = self._packages[arn].get("ModelApprovalStatus") == "Approved"
        named = approved and self._context.unverified.created_approved_event == "with_fields"
        self._announce(arn, ["ModelApprovalStatus"] if named else [])
        return {"ModelPackageArn": arn}

    def _name(self, request: Request) -> dict[str, Any]:
        """What names the new package, its version taken."""
        given = [member for member in ("ModelPackageName", "ModelPackageGroupName") if member in request]
        if len(given) != 1:
            raise validation(
                "Exactly one of ModelPackageGroupName, for a version of a group, and ModelPackageName, for an "
                "unversioned model package, is needed."
            )
        if "ModelPackageName" in request:
            return self._unversioned(request)
        if request.get("Tags"):
            raise validation("Tags are not allowed on a versioned model package; tag its group.")
        group = self._groups.find(request["ModelPackageGroupName"])["ModelPackageGroupName"]
        self._latest[group] = version = self._latest.get(group, 0) + 1
        return {
            "ModelPackageName": f"{group}/{version}",
            "ModelPackageGroupName": group,
            "ModelPackageVersion": version,
            "ModelApprovalStatus": request.get("ModelApprovalStatus", "PendingManualApproval"),
        }

    def _unversioned(self, request: Request) -> dict[str, Any]:
        arn = self._arn(request["ModelPackageName"])
        if "ModelApprovalStatus" in request:
            raise validation("ModelApprovalStatus applies to versioned model packages only.")
        if arn in self._packages:
            raise validation(f"Model Package already exists: {arn}")
        self._tags[arn] = list(request.get("Tags", []))
        return {"ModelPackageName": request["ModelPackageName"]}

    def _update(self, request: Request) -> Response:
        package = self.versioned(request["ModelPackageArn"])
        replace = self._context.unverified.customer_metadata_update == "replace"
        changed, members = changes.updated(package, request, replace_metadata=replace)
        by = {"LastModifiedTime": self._context.clock.now(), "LastModifiedBy": user(self._context)}
        arn = package["ModelPackageArn"]
        self._packages[arn] = {**changed, **by}
        self._announce(arn, members)
        return {"ModelPackageArn": arn}

    def _announce(self, arn: str, changed: list[str]) -> None:
        self._context.emit(event.KIND, [arn], event.detail(self._packages[arn], changed))

    def _arn(self, name: str) -> str:
        return self._context.arn(f"model-package/{name}".lower())
