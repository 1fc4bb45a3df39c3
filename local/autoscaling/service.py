"""Application Auto Scaling's operations on this machine, by their names, for variants of endpoints.

Alarms are evaluated by our CloudWatch; after each minute the policies of every target are asked. It must never hold a
rule of its own: `targets`, `policies`, `activities` and `scaler` do.
"""

from random import Random

from local.autoscaling.activities import Activities
from local.autoscaling.policies import Policies
from local.autoscaling.scaler import Scaler
from local.autoscaling.targets import Target, Targets
from local.cloudwatch import CloudWatch
from local.context import Context, Request, Response
from local.errors import validation
from local.hosting import Hosting


class AutoScaling:
    """Scalable targets, their policies, and what these did. `seed` makes the names of alarms repeatable."""

    def __init__(self, context: Context, cloudwatch: CloudWatch, hosting: Hosting, *, seed: int | None = None) -> None:
        chance = Random(seed)
        self._hosting = hosting
        self._targets = Targets(context, chance)
        self._policies = Policies(context, cloudwatch, chance)
        self._activities = Activities(context.clock, chance)
        self._scaler = Scaler(context, cloudwatch, hosting, self._activities)
        cloudwatch.after_minute.append(self._evaluate)
        cloudwatch.actions.performers["autoscaling"] = lambda arn, alarm, before: self._policies.act(arn)
        cloudwatch.actions.performers["autoscaling"] = lambda *told: None  # a policy acts on its alarm minute by minute
        hosting.before_update.append(self._check_update)
        hosting.after_delete.append(self._forget)

    async def close(self) -> None:
        """Stop watching changes of capacity that are under way."""
        await self._scaler.close()

    def register_scalable_target(self, request: Request) -> Response:
        """Register a variant that exists, or change a target; its capacity is brought within the bounds."""
        target = self._targets.put(request, self._scaler.variant)
        self._scaler.adjust(target)
        return {"ScalableTargetARN": target.arn}

    def deregister_scalable_target(self, request: Request) -> Response:
        """Forget a target, its policies and their alarms."""
        self._remove(self._targets.find(request))
        return {}

    def describe_scalable_targets(self, request: Request) -> Response:
        """The targets of a service, by resource ids and dimension."""
        return self._targets.page(request)

    def put_scaling_policy(self, request: Request) -> Response:
        """Make or change a target tracking policy and its alarms."""
        return self._policies.put(self._targets.find(request), request)

    def delete_scaling_policy(self, request: Request) -> Response:
        """Delete a policy and its alarms."""
        self._policies.delete(self._targets.find(request), request)
        return {}

    def describe_scaling_policies(self, request: Request) -> Response:
        """The policies of a service, by resource id, dimension and names."""
        return self._policies.page(request)

    def describe_scaling_activities(self, request: Request) -> Response:
        """What was scaled, newest first."""
        return self._activities.page(request)

    def tag_resource(self, request: Request) -> Response:
        """Set tags of a scalable target."""
        return self._targets.tag(request)

    def untag_resource(self, request: Request) -> Response:
        """Remove tags of a scalable target."""
        return self._targets.untag(request)

    def list_tags_for_resource(self, request: Request) -> Response:
        """The tags of a scalable target."""
        return self._targets.tags(request)

    def _evaluate(self, end: int) -> None:
        for target in self._targets.all():
            self._scaler.evaluate(target, self._policies.of(target), end)

    def _check_update(self, request: Request) -> None:
        """Refuse an UpdateEndpoint that removes a scaled variant or changes its instance type."""
        scaled = [target for target in self._targets.all() if target.endpoint == request["EndpointName"]]
        if not scaled:
            return
        serving = self._hosting.describe_endpoint({"EndpointName": request["EndpointName"]})["EndpointConfigName"]
        before, after = self._instance_types(serving), self._instance_types(request["EndpointConfigName"])
        changed = [target.variant for target in scaled if before.get(target.variant) != after.get(target.variant)]
        if changed:
            raise validation(
                f'The variant(s) "[{", ".join(changed)}]" must be deregistered as scalable targets with AWS Auto '
                "Scaling before they can be removed or have their instance type updated."
            )

    def _instance_types(self, config: str) -> dict[str, str]:
        described = self._hosting.describe_endpoint_config({"EndpointConfigName": config})
        return {variant["VariantName"]: variant["InstanceType"] for variant in described["ProductionVariants"]}

    def _forget(self, endpoint: str) -> None:
        """Deregister the targets of an endpoint that is being deleted, as DeleteEndpoint does."""
        for target in self._targets.all():
            if target.endpoint == endpoint:
                self._remove(target)

    def _remove(self, target: Target) -> None:
        self._policies.delete_all(target)
        self._targets.remove(target)
