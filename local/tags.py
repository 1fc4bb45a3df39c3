"""Tags of SageMaker resources (AddTags, ListTags, DeleteTags), kept by ARN.

A version of a model package group has none of its own: it uses its group's. Sources: the API reference of AddTags and
CreateModelPackage; AWS General Reference, "Tagging AWS resources". It must never check that the resource exists: that
is its owner's business.
"""

import re

from local.context import Request, Response
from local.errors import validation

_VERSION = re.compile(r".*:model-package/[^/]+/\d+")
_MOST = 50


class Tags:
    """The tag operations, over one table that the other services write creation tags into."""

    def __init__(self) -> None:
        self.by_arn: dict[str, list[dict[str, str]]] = {}

    def add_tags(self, request: Request) -> Response:
        """Set tags by key, keeping the others. Raises AwsError for what may not have them, or more than 50."""
        arn = request["ResourceArn"]
        if _VERSION.fullmatch(arn):
            raise validation(f"{arn} is a versioned model package: it uses the tags of its group; tag that.")
        if reserved := [tag["Key"] for tag in request["Tags"] if tag["Key"].lower().startswith("aws:")]:
            raise validation(f"Tag keys that begin with aws: are reserved for AWS: {', '.join(reserved)}.")
        merged = {tag["Key"]: tag["Value"] for tag in [*self.by_arn.get(arn, []), *request["Tags"]]}
        if len(merged) > _MOST:
            raise validation(f"{arn} would have {len(merged)} tags; a resource has at most {_MOST}.")
        self.by_arn[arn] = [{"Key": key, "Value": value} for key, value in merged.items()]
        return {"Tags": self.by_arn[arn]}

    def list_tags(self, request: Request) -> Response:
        """Every tag of the resource, which fit on one page; none when it has none."""
        return {"Tags": self.by_arn.get(request["ResourceArn"], [])}

    def delete_tags(self, request: Request) -> Response:
        """Remove tags by key."""
        arn = request["ResourceArn"]
        self.by_arn[arn] = [tag for tag in self.by_arn.get(arn, []) if tag["Key"] not in request["TagKeys"]]
        return {}
