"""Model package groups: named once, found by name or ARN, listed, tagged, shared by a policy.

Two names that differ in case only are one ARN, and therefore one group. Sources: the API reference of
CreateModelPackageGroup, ListModelPackageGroups and PutModelPackageGroupPolicy. It must never hold a package.
"""

import json

from local.context import Context, Request, Response
from local.errors import validation
from local.listing import page

_SUMMARY = (
    "ModelPackageGroupName",
    "ModelPackageGroupArn",
    "ModelPackageGroupDescription",
    "CreationTime",
    "ModelPackageGroupStatus",
    "ManagedConfiguration",
)


def user(context: Context) -> Response:
    """Who creates and changes things here, as GetCallerIdentity names them."""
    arn = f"arn:aws:sts::{context.account}:user/moto"
    return {"IamIdentity": {"Arn": arn, "PrincipalId": "AKIAIOSFODNN7EXAMPLE"}}


class Groups:
    """The groups, as DescribeModelPackageGroup shows them, by ARN."""

    def __init__(self, context: Context, tags: dict[str, list[dict[str, str]]]) -> None:
        self._context = context
        self._tags = tags
        self._groups: dict[str, Response] = {}
        self._policies: dict[str, str] = {}

    def create(self, request: Request) -> Response:
        """A new group; its name is taken only once."""
        arn = self._arn(request["ModelPackageGroupName"])
        if arn in self._groups:
            raise validation(f"Model Package Group already exists: {arn}")
        kept = ("ModelPackageGroupName", "ModelPackageGroupDescription", "ManagedConfiguration")
        self._groups[arn] = {
            **{member: request[member] for member in kept if member in request},
            "ModelPackageGroupArn": arn,
            "CreationTime": self._context.clock.now(),
            "CreatedBy": user(self._context),
            "ModelPackageGroupStatus": "Completed",
        }
        self._tags[arn] = list(request.get("Tags", []))
        return {"ModelPackageGroupArn": arn}

    def find(self, name_or_arn: str) -> Response:
        """The group. Raises AwsError when there is none."""
        arn = self._arn(name_or_arn)
        if arn not in self._groups:
            raise validation(f"ModelPackageGroup {arn} does not exist.")
        return self._groups[arn]

    def summaries(self, request: Request) -> Response:
        """Summaries, oldest first; of other accounts there are none."""
        groups = self._groups.values() if request.get("CrossAccountFilterOption") != "CrossAccount" else ()
        return page(
            groups,
            request,
            kind="ModelPackageGroup",
            members=_SUMMARY,
            result="ModelPackageGroupSummaryList",
            order="Ascending",
        )

    def delete(self, name: str) -> Response:
        """Remove the group, its policy and its tags; the caller has made sure that it is empty."""
        arn = self._arn(name)
        del self._groups[arn]
        self._policies.pop(arn, None)
        self._tags.pop(arn, None)
        return {}

    def put_policy(self, request: Request) -> Response:
        """Set the group's resource policy, in place of the one it had. Nothing here enforces it."""
        arn = self._with_policy(request)
        try:
            json.loads(request["ResourcePolicy"])
        except ValueError as error:
            raise validation(f"ResourcePolicy is not JSON: {error}") from error
        self._policies[arn] = request["ResourcePolicy"]
        return {"ModelPackageGroupArn": arn}

    def get_policy(self, request: Request) -> Response:
        """The group's resource policy. Raises AwsError when it has none."""
        arn = self._with_policy(request)
        if arn not in self._policies:
            raise validation(f"Cannot find resource policy for: {arn}")
        return {"ResourcePolicy": self._policies[arn]}

    def delete_policy(self, request: Request) -> Response:
        """Remove the group's resource policy. Raises AwsError when it has none."""
        self.get_policy(request)
        del self._policies[self._arn(request["ModelPackageGroupName"])]
        return {}

    def _with_policy(self, request: Request) -> str:
        arn = self._arn(request["ModelPackageGroupName"])
        if arn not in self._groups:
            raise validation(f"Cannot find Model Package Group: {arn}")
        return arn

    def _arn(self, name_or_arn: str) -> str:
        name = name_or_arn.rpartition("/")[2]
        return self._context.arn(f"model-package-group/{name}".lower())
