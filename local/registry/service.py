"""The Model Registry's operations, by their names: groups and packages, which know of each other here only.

It must never hold a rule of its own: `groups`, `packages` and `changes` do.
"""

from typing import Any

from local.context import Context, Request, Response
from local.errors import AwsError
from local.registry.groups import Groups
from local.registry.packages import Packages


class Registry:
    """Groups by name, packages by ARN. `tags` is the table, by ARN, that a group's tags are written into."""

    def __init__(self, context: Context, tags: dict[str, list[dict[str, str]]]) -> None:
        self._groups = Groups(context, tags)
        self._packages = Packages(context, self._groups, tags)
        self.create_model_package_group = self._groups.create
        self.list_model_package_groups = self._groups.summaries
        self.put_model_package_group_policy = self._groups.put_policy
        self.get_model_package_group_policy = self._groups.get_policy
        self.delete_model_package_group_policy = self._groups.delete_policy
        self.create_model_package = self._packages.create
        self.list_model_packages = self._packages.summaries
        self.update_model_package = self._packages.update
        self.delete_model_package = self._packages.delete

    def describe_model_package_group(self, request: Request) -> Response:
        """The group, by name or ARN."""
        return self._groups.find(request["ModelPackageGroupName"])

    def delete_model_package_group(self, request: Request) -> Response:
        """Remove a group that holds no package. Raises ConflictException for one that does."""
        group = self._groups.find(request["ModelPackageGroupName"])
        if self._packages.of_group(group["ModelPackageGroupName"]):
            arn = group["ModelPackageGroupArn"]
            raise AwsError("ConflictException", f"ModelPackageGroup {arn} cannot be deleted: it has model packages.")
        return self._groups.delete(group["ModelPackageGroupName"])

    def describe_model_package(self, request: Request) -> Response:
        """The package, by ARN, by name when it is unversioned, or as group/version.

        A version has no ModelPackageName, though botocore's model requires it: the SDK's source notes as much.
        """
        package = self._packages.find(request["ModelPackageName"])
        return {name: value for name, value in package.items() if name != "ModelPackageName" or not _versioned(package)}

    def batch_describe_model_package(self, request: Request) -> Response:
        """Versioned packages by ARN, and an error for each ARN that is none."""
        found: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for arn in request["ModelPackageArnList"]:
            try:
                found[arn] = self._packages.versioned(arn)
            except AwsError as error:
                errors[arn] = {"ErrorCode": error.code, "ErrorResponse": error.message}
        return {"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": errors}


def _versioned(package: Response) -> bool:
    return "ModelPackageVersion" in package
