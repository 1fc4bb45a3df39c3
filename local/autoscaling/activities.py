"""Scaling activities: what was scaled, why, and how it went. The words are AWS's own.

Sources: the API reference of DescribeScalingActivities and NotScaledReason; the developer guide, "Check the status of a
scaling activity" (its examples). It must never scale, nor decide whether to.
"""

from collections import deque
from random import Random
from typing import Any
from uuid import UUID

from local.autoscaling.targets import DIMENSION, NAMESPACE, PAGE, Target, identity
from local.clock import Clock
from local.context import Request, Response
from local.listing import cut

_KEPT = 10_000
"""AWS keeps six weeks of them; at one a minute that is more than anyone will rehearse."""


class Activities:
    """The activities of all targets, newest first."""

    def __init__(self, clock: Clock, chance: Random) -> None:
        self._clock = clock
        self._chance = chance
        self._activities: deque[dict[str, Any]] = deque(maxlen=_KEPT)

    def begin(self, target: Target, wanted: int, cause: str) -> Response:
        """Setting the instance count is under way; `end` it."""
        waiting = (
            f"Successfully set desired instance count to {wanted}. Waiting for change to be fulfilled by sagemaker."
        )
        return self._add(target, _setting(wanted), cause, StatusCode="InProgress", StatusMessage=waiting)

    def end(self, activity: Response, status: str, message: str) -> None:
        """How an activity that was begun went."""
        activity |= {"StatusCode": status, "StatusMessage": message, "EndTime": self._clock.now()}

    def failed(self, target: Target, wanted: int, cause: str, reason: str) -> None:
        """SageMaker refused the new instance count."""
        said = f"Failed to set desired instance count to {wanted}. Reason: {reason}"
        self.end(self._add(target, _setting(wanted), cause), "Failed", said)

    def not_scaled(self, target: Target, cause: str, code: str, **numbers: int) -> None:
        """Nothing was done about an alarm; `code` and `numbers` are a NotScaledReason."""
        said = "Attempting to scale due to alarm triggered"
        activity = self._add(target, said, cause, NotScaledReasons=[{"Code": code, **numbers}])
        self.end(activity, "Failed", "Failed to scale; NotScaledReasons says why.")

    def page(self, request: Request) -> Response:
        """DescribeScalingActivities: those that did not scale only when they are asked for."""
        resource, dimension = request.get("ResourceId"), request.get("ScalableDimension", DIMENSION)
        ours = request["ServiceNamespace"] == NAMESPACE and dimension == DIMENSION
        found = [
            activity
            for activity in self._activities
            if ours
            and resource in (None, activity["ResourceId"])
            and (request.get("IncludeNotScaledActivities") or "NotScaledReasons" not in activity)
        ]
        return cut(found, {"MaxResults": PAGE, **request}, "ScalingActivities")

    def _add(self, target: Target, description: str, cause: str, **more: Any) -> Response:
        activity = {
            "ActivityId": str(UUID(int=self._chance.getrandbits(128), version=4)),
            **identity(target.resource),
            "Description": description,
            "Cause": cause,
            "StartTime": self._clock.now(),
            **more,
        }
        self._activities.appendleft(activity)
        return activity


def _setting(wanted: int) -> str:
    return f"Setting desired instance count to {wanted}."
