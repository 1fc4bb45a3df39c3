"""Models: what a container runs, given directly or by an approved model package.

Sources: the API reference of CreateModel and ContainerDefinition; the developer guide, "Deploy a Model from the
Registry". It must never download model data: that is done when instances start.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.context import Context, Request, Response
from local.errors import validation
from local.listing import page

DescribeModelPackage = Callable[[Request], Response]
"""DescribeModelPackage of the registry: raises AwsError when there is no such package."""


@dataclass(frozen=True)
class Container:
    """What an instance of a model runs. `model_package_arn` is None when the model names no package.

    `image_digest` is sha256:…, as the package gives it; `marketplace` whether the package is a marketplace product.
    """

    image: str
    model_data_url: str
    environment: Mapping[str, str]
    model_package_arn: str | None
    image_digest: str = ""
    marketplace: bool = False

    @property
    def resolved_image(self) -> str:
        """The image as registry/repository@digest. There is no registry to ask: the digest is the package's, or made
        from the image's name, so that a name always resolves to the same one.
        """
        repository, _, digest = self.image.partition("@")
        if not digest:
            repository = re.sub(r":[^/]*$", "", repository)
            digest = self.image_digest or f"sha256:{hashlib.sha256(self.image.encode()).hexdigest()}"
        return f"{repository}@{digest}"


class Models:
    """Models by name, as DescribeModel shows them, and what their containers run."""

    def __init__(self, context: Context, tags: dict[str, Any], describe_model_package: DescribeModelPackage) -> None:
        self._context = context
        self._tags = tags
        self._describe_model_package = describe_model_package
        self._described: dict[str, Response] = {}
        self._containers: dict[str, Container] = {}

    def create(self, request: Request) -> Response:
        """A new model; its package must exist and, unless that is looked at later, be Approved."""
        name = request["ModelName"]
        arn = self._context.arn(f"model/{name.lower()}")
        if name in self._described:
            raise validation(f'Cannot create already existing model "{arn}".')
        self._containers[name] = self._resolve(_only_container(request))
        self._described[name] = {
            **{member: value for member, value in request.items() if member != "Tags"},
            "ModelArn": arn,
            "CreationTime": self._context.clock.now(),
            "EnableNetworkIsolation": request.get("EnableNetworkIsolation", False),
        }
        self._tags[arn] = list(request.get("Tags", []))
        return {"ModelArn": arn}

    def describe(self, name: str) -> Response:
        """The model as it was created. Raises AwsError when there is none."""
        if name not in self._described:
            raise validation(f'Could not find model "{self._context.arn(f"model/{name.lower()}")}".')
        return self._described[name]

    def container(self, name: str) -> Container:
        """What the model's container runs. Raises AwsError when there is no such model."""
        self.describe(name)
        return self._containers[name]

    def check_deployable(self, name: str) -> None:
        """Refuse a model whose package is not Approved, where that is looked at when an endpoint gets it."""
        package_arn = self.container(name).model_package_arn
        if package_arn is not None and self._context.unverified.unapproved_package == "create_endpoint":
            _check_approved(self._describe_model_package({"ModelPackageName": package_arn}))

    def summaries(self, request: Request) -> Response:
        """Summaries of models."""
        members = ("ModelName", "ModelArn", "CreationTime")
        return page(self._described.values(), request, kind="Model", members=members, result="Models")

    def delete(self, name: str) -> None:
        """Forget a model."""
        self._tags.pop(self.describe(name)["ModelArn"], None)
        del self._described[name], self._containers[name]

    def _resolve(self, given: Mapping[str, Any]) -> Container:
        package_arn = given.get("ModelPackageName")
        base: Mapping[str, Any] = given if package_arn is None else self._package_container(package_arn)
        url = given.get("ModelDataUrl") or base.get("ModelDataUrl")
        if not url or "Image" not in base:
            raise validation(
                "A container needs ModelPackageName, or both Image and ModelDataUrl (others: not offered)."
            )
        environment = {**base.get("Environment", {}), **given.get("Environment", {})}
        return Container(
            base["Image"],
            url,
            environment,
            package_arn,
            image_digest=base.get("ImageDigest", ""),
            marketplace="ProductId" in base,
        )

    def _package_container(self, arn: str) -> Mapping[str, Any]:
        package = self._describe_model_package({"ModelPackageName": arn})
        if self._context.unverified.unapproved_package == "create_model":
            _check_approved(package)
        container: Mapping[str, Any] = package["InferenceSpecification"]["Containers"][0]
        return container


def _check_approved(package: Response) -> None:
    arn, status = package["ModelPackageArn"], package.get("ModelApprovalStatus")
    if status != "Approved":
        raise validation(f"Model package {arn} cannot be deployed: its approval status is {status}, not Approved.")


def _only_container(request: Request) -> Mapping[str, Any]:
    given = [*request.get("Containers", []), *filter(None, [request.get("PrimaryContainer")])]
    if len(given) != 1:
        raise validation(f"A model needs exactly one container here; the request has {len(given)}.")
    container: Mapping[str, Any] = given[0]
    return container
