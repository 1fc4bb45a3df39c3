"""Scalable targets: endpoint variants, between how many instances they may be scaled, and what of that is suspended.

Sources: the API reference of RegisterScalableTarget, DeregisterScalableTarget and DescribeScalableTargets, and of the
tag operations. It must never scale.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from local.autoscaling.tracking import Scaled
from local.context import Context, Request, Response
from local.errors import AwsError, validation
from local.listing import cut

NAMESPACE = "sagemaker"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
PAGE = 50
"""How many results a page has when MaxResults does not say, in every operation of Application Auto Scaling."""

_RESOURCE = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")
_SUSPENDABLE = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
_MOST_TAGS = 50


@dataclass
class Target:
    """A scalable target, and when it was last scaled out and in."""

    resource: str
    endpoint: str
    variant: str
    arn: str
    created: datetime
    minimum: int
    maximum: int
    suspended: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(_SUSPENDABLE, False))
    tags: dict[str, str] = field(default_factory=dict)
    scaled_out: Scaled | None = None
    scaled_in: Scaled | None = None


def identity(resource: str) -> Response:
    """The three members that name a scalable target wherever it is shown."""
    return {"ServiceNamespace": NAMESPACE, "ResourceId": resource, "ScalableDimension": DIMENSION}


def parse(request: Request) -> tuple[str, str]:
    """Endpoint and variant of a request's ResourceId. Raises AwsError for what is not scaled here."""
    namespace, dimension = request["ServiceNamespace"], request["ScalableDimension"]
    if (namespace, dimension) != (NAMESPACE, DIMENSION):
        raise validation(
            f"{namespace} with {dimension} is not offered here: the rehearsal scales {NAMESPACE} with {DIMENSION}."
        )
    match = _RESOURCE.fullmatch(request["ResourceId"])
    if match is None:
        raise validation(
            f"Unsupported resource type for {request['ResourceId']}: it must be endpoint/ENDPOINT/variant/VARIANT."
        )
    return match[1], match[2]


def not_found(what: str, request: Request) -> AwsError:
    """What is answered when no target is registered, or no policy is there."""
    return AwsError(
        "ObjectNotFoundException",
        f"No {what} for service namespace: {request['ServiceNamespace']}, resource ID: {request['ResourceId']}, "
        f"scalable dimension: {request['ScalableDimension']}",
    )


class Targets:
    """The scalable targets of this account, by resource id, in the order they were registered."""

    def __init__(self, context: Context, chance: Random) -> None:
        self._context = context
        self._chance = chance
        self._targets: dict[str, Target] = {}

    def all(self) -> list[Target]:
        """Every target."""
        return list(self._targets.values())

    def find(self, request: Request) -> Target:
        """The target that a request names. Raises AwsError ObjectNotFoundException."""
        parse(request)
        if request["ResourceId"] not in self._targets:
            raise not_found("scalable target registered", request)
        return self._targets[request["ResourceId"]]

    def put(self, request: Request, variant_of: Callable[[Target], Response | None]) -> Target:
        """Register a target, or change the members of one that the request gives. Raises AwsError.

        `variant_of` finds the variant that a target names, None when there is no such variant.
        """
        endpoint, variant = parse(request)
        resource = request["ResourceId"]
        known = self._targets.get(resource)
        minimum = request.get("MinCapacity", known.minimum if known else None)
        maximum = request.get("MaxCapacity", known.maximum if known else None)
        if minimum is None or maximum is None:
            raise validation("MinCapacity and MaxCapacity are required to register a new scalable target.")
        if not 0 <= minimum <= maximum:
            raise validation(
                f"MinCapacity is {minimum} and MaxCapacity {maximum}; the minimum must be 0 or more, and no more than "
                "the maximum."
            )
        if known and request.get("Tags"):
            raise validation(
                "The scalable target that you tried to tag already exists. To update tags on an existing scalable "
                "target, use the TagResource API."
            )
        arn = f"arn:aws:application-autoscaling:{self._context.region}:{self._context.account}:scalable-target/"
        target = known or Target(
            resource,
            endpoint,
            variant,
            f"{arn}{self._chance.getrandbits(128):032x}",
            self._context.clock.now(),
            minimum,
            maximum,
            tags=_allowed(request.get("Tags", {})),
        )
        if variant_of(target) is None:
            raise validation(f"SageMaker variant doesn't exist: {resource}")
        target.minimum, target.maximum = minimum, maximum
        target.suspended |= request.get("SuspendedState", {})
        self._targets[resource] = target
        return target

    def remove(self, target: Target) -> None:
        """Forget a target."""
        del self._targets[target.resource]

    def page(self, request: Request) -> Response:
        """DescribeScalableTargets: those of the resource ids and the dimension asked for."""
        wanted, dimension = request.get("ResourceIds"), request.get("ScalableDimension", DIMENSION)
        ours = request["ServiceNamespace"] == NAMESPACE and dimension == DIMENSION
        found = [t for t in self.all() if ours and (not wanted or t.resource in wanted)]
        return cut([self._described(target) for target in found], {"MaxResults": PAGE, **request}, "ScalableTargets")

    def tag(self, request: Request) -> Response:
        """TagResource: set tags by key."""
        target = self._by_arn(request)
        target.tags = _allowed({**target.tags, **request["Tags"]})
        return {}

    def untag(self, request: Request) -> Response:
        """UntagResource: remove tags by key."""
        target = self._by_arn(request)
        target.tags = {key: value for key, value in target.tags.items() if key not in request["TagKeys"]}
        return {}

    def tags(self, request: Request) -> Response:
        """ListTagsForResource."""
        return {"Tags": self._by_arn(request).tags}

    def _by_arn(self, request: Request) -> Target:
        arn = request["ResourceARN"]
        for target in self.all():
            if target.arn == arn:
                return target
        raise AwsError("ResourceNotFoundException", f"The scalable target {arn} doesn't exist.")

    def _described(self, target: Target) -> Response:
        role = f"arn:aws:iam::{self._context.account}:role/aws-service-role/sagemaker.application-autoscaling"
        return {
            **identity(target.resource),
            "MinCapacity": target.minimum,
            "MaxCapacity": target.maximum,
            "RoleARN": f"{role}.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
            "CreationTime": target.created,
            "SuspendedState": target.suspended,
            "ScalableTargetARN": target.arn,
        }


def _allowed(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > _MOST_TAGS:
        raise AwsError("TooManyTagsException", f"A scalable target has at most {_MOST_TAGS} tags, not {len(tags)}.")
    return dict(tags)
