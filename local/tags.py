"""Tags of SageMaker resources (AddTags, ListTags, DeleteTags), kept by ARN.

It must never check that the resource exists: that is its owner's business.
"""

from local.context import Request, Response


class Tags:
    """The tag operations, over one table that the other services write creation tags into."""

    def __init__(self) -> None:
        self.by_arn: dict[str, list[dict[str, str]]] = {}

    def add_tags(self, request: Request) -> Response:
        """Set tags by key, keeping the others."""
        arn = request["ResourceArn"]
        merged = {tag["Key"]: tag["Value"] for tag in [*self.by_arn.get(arn, []), *request["Tags"]]}
        self.by_arn[arn] = [{"Key": key, "Value": value} for key, value in merged.items()]
        return {"Tags": self.by_arn[arn]}

    def list_tags(self, request: Request) -> Response:
        """Every tag of the resource; none when it has none."""
        return {"Tags": self.by_arn.get(request["ResourceArn"], [])}

    def delete_tags(self, request: Request) -> Response:
        """Remove tags by key."""
        arn = request["ResourceArn"]
        self.by_arn[arn] = [tag for tag in self.by_arn.get(arn, []) if tag["Key"] not in request["TagKeys"]]
        return {}
