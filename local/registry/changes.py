"""What UpdateModelPackage does to a package. Pure: it is given the package and the request, and returns another.

It merges: what a request does not name stays as it is. Sources: the API reference of UpdateModelPackage and
ModelPackageModelCard; whether customer metadata is merged as well is a switch.
"""

import json
from typing import Any

from local.context import Request, Response
from local.errors import validation

_REPLACED = (
    "ModelApprovalStatus",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
)
_MOST_METADATA = 50
_MOST_SPECIFICATIONS = 15


def updated(package: Response, request: Request, *, replace_metadata: bool) -> tuple[Response, list[str]]:
    """The package after the update, and the members that are not what they were. Raises AwsError."""
    wanted = {
        **{member: request[member] for member in _REPLACED if member in request},
        "ModelCard": _card(package.get("ModelCard", {}), request.get("ModelCard", {})),
        "AdditionalInferenceSpecifications": _specifications(package, request),
        "CustomerMetadataProperties": _metadata(package, request, replace=replace_metadata),
    }
    changed = {member: value for member, value in wanted.items() if value != package.get(member, type(value)())}
    return {**package, **changed}, list(changed)


def check_card(card: Response) -> None:
    """Raises AwsError for a model card whose content is not JSON."""
    try:
        json.loads(card.get("ModelCardContent", "{}"))
    except ValueError as error:
        raise validation(f"ModelCardContent is not JSON, as the model card schema demands: {error}") from error


def _card(card: Response, change: Response) -> Response:
    check_card(change)
    content = change.get("ModelCardContent", card.get("ModelCardContent"))
    if card.get("ModelCardStatus") == "Archived" and content != card.get("ModelCardContent"):
        raise validation("Model Card is in Archived state. Its content can no longer be updated.")
    return {**card, **change}


def _specifications(package: Response, request: Request) -> list[Any]:
    there = package.get("AdditionalInferenceSpecifications", [])
    together = [*there, *request.get("AdditionalInferenceSpecificationsToAdd", [])]
    if len(together) > _MOST_SPECIFICATIONS:
        raise validation(
            f"AdditionalInferenceSpecificationsToAdd makes {len(together)} additional inference specifications; "
            f"a model package has at most {_MOST_SPECIFICATIONS}."
        )
    return together


def _metadata(package: Response, request: Request, *, replace: bool) -> dict[str, str]:
    there = package.get("CustomerMetadataProperties", {})
    given = request.get("CustomerMetadataProperties")
    together = {**({} if replace and given is not None else there), **(given or {})}
    for key in request.get("CustomerMetadataPropertiesToRemove", []):
        together.pop(key, None)
    if len(together) > _MOST_METADATA:
        raise validation(
            f"CustomerMetadataProperties would have {len(together)} keys, of at most {_MOST_METADATA}; remove some "
            "with CustomerMetadataPropertiesToRemove."
        )
    return together
