"""Inference experiments (shadow tests): the operations on them, their records, and the one task of each.

Sources: the API reference of the seven operations; the developer guide, "Shadow tests". Schedules run on AWS's clock.
It must never change an endpoint itself: `conduct` does.
"""

import asyncio
import contextlib
import logging
from dataclasses import replace
from typing import Any

from local.context import Context, Request, Response
from local.errors import AwsError, not_found, validation
from local.hosting.capture_plan import CapturePlan
from local.hosting.conduct import ConductError, Conductor
from local.hosting.configs import EndpointConfigs
from local.hosting.endpoints import Endpoints
from local.hosting.experiment import (
    ENDED,
    SUMMARY,
    Experiment,
    Step,
    conflict,
    describe,
    due,
    due_at,
    revised,
    schedule,
    summary,
)
from local.hosting.model_variants import completed_members, data_capture, model_variant, remaining
from local.hosting.models import Models
from local.listing import page

CREATING_SECONDS = 5.0
"""How long an experiment is Creating (AWS seconds)."""

_log = logging.getLogger(__name__)


class Experiments:
    """Inference experiments by name. `tags` is the table, by ARN, that creation tags are written into."""

    def __init__(
        self, context: Context, models: Models, configs: EndpointConfigs, endpoints: Endpoints, tags: dict[str, Any]
    ) -> None:
        self._context = context
        self._clock = context.clock
        self._models = models
        self._configs = configs
        self._endpoints = endpoints
        self._tags = tags
        self._conductor = Conductor(context.clock, context.unverified, models, configs, endpoints)
        self._experiments: dict[str, Experiment] = {}
        self._changed: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Give up every experiment; the endpoints stay as they are."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def configs_in_use(self) -> set[str]:
        """The endpoint configs that endpoints are to come back to."""
        running = (item for item in self._experiments.values() if item.is_on_endpoint)
        return {item.before.config for item in running if item.before is not None}

    def check_endpoint(self, name: str) -> None:
        """Refuse that an endpoint be changed while an experiment is on it. Raises AwsError ValidationException."""
        if self._context.unverified.endpoint_change_during_experiment == "allow":
            return
        for experiment in self._experiments.values():
            if experiment.endpoint == name and experiment.is_on_endpoint:
                raise validation(
                    f'Endpoint {name} cannot be changed while inference experiment "{experiment.arn}" is '
                    f"{experiment.status}: stop the experiment first."
                )

    def create_inference_experiment(self, request: Request) -> Response:
        """Schedule an experiment on an endpoint that is InService; it begins by itself."""
        name, endpoint = request["Name"], request["EndpointName"]
        arn, now = self._arn(name), self._clock.now()
        for other in self._experiments.values():
            if other.arn == arn:
                raise AwsError("ResourceInUse", f'Inference experiment "{arn}" already exists.')
            if other.endpoint == endpoint and other.status not in ENDED:
                raise AwsError("ResourceInUse", f'Endpoint {endpoint} has inference experiment "{other.arn}" already.')
        status = self._endpoints.describe({"EndpointName": endpoint})["EndpointStatus"]
        if status != "InService":
            raise validation(f"Endpoint {endpoint} is {status}; it must be InService.")
        members = self._checked({key: value for key, value in request.items() if key not in ("Schedule", "Tags")})
        experiment = Experiment(arn, members, schedule(request.get("Schedule", {}), now), now, now)
        experiment.show([], "Creating")
        self._experiments[name] = experiment
        self._changed[name] = asyncio.Event()
        self._tags[arn] = list(request.get("Tags", []))
        task = asyncio.create_task(self._live(experiment))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return {"InferenceExperimentArn": arn}

    def start_inference_experiment(self, request: Request) -> Response:
        """Begin now what was to begin later."""
        experiment = self._find(request)
        if experiment.status != "Created":
            raise conflict(experiment, "started", "Created")
        experiment.schedule = replace(experiment.schedule, start=self._clock.now())
        return self._go_on(experiment, "Starting")

    def update_inference_experiment(self, request: Request) -> Response:
        """Change an experiment: all of it before it begins, and then its description, its end and its sampling."""
        experiment = self._find(request)
        if experiment.status not in ("Created", "Running"):
            raise conflict(experiment, "updated", "Created", "Running")
        members, planned = revised(experiment, request, self._clock.now())
        experiment.members, experiment.schedule = self._checked(members), planned
        experiment.show([], "Updating" if experiment.before else "Creating")
        return self._go_on(experiment, "Updating")

    def stop_inference_experiment(self, request: Request) -> Response:
        """End an experiment now, and say what stays on the endpoint: one that has not begun leaves it as it is."""
        experiment = self._find(request)
        if experiment.status not in ("Created", "Running"):
            raise conflict(experiment, "stopped", "Created", "Running")
        left = remaining(experiment.members, request, self._context.unverified.promoted_variant_name)
        if experiment.before is None and "Promote" in request["ModelVariantActions"].values():
            raise conflict(experiment, "promoted", "Running")
        for variant in filter(None, (left.production, left.shadow)):
            self._models.container(variant["ModelName"])
        experiment.order = request
        if experiment.before is not None:
            kept = [name for name, action in request["ModelVariantActions"].items() if action != "Remove"]
            experiment.show(kept, "Deleting")
        return self._go_on(experiment, "Stopping")

    def describe_inference_experiment(self, request: Request) -> Response:
        """The experiment, and the endpoint it is about."""
        experiment = self._find(request)
        return describe(experiment, self._endpoint(experiment))

    def list_inference_experiments(self, request: Request) -> Response:
        """Summaries of experiments."""
        items = [summary(experiment) for experiment in self._experiments.values()]
        return page(items, request, kind="", members=SUMMARY, result="InferenceExperiments")

    def delete_inference_experiment(self, request: Request) -> Response:
        """Forget an experiment that has ended; the endpoint and what was captured stay."""
        experiment = self._find(request)
        if experiment.status not in ENDED:
            raise conflict(experiment, "deleted", *ENDED)
        del self._experiments[request["Name"]], self._changed[request["Name"]]
        self._tags.pop(experiment.arn, None)
        return {"InferenceExperimentArn": experiment.arn}

    def _find(self, request: Request) -> Experiment:
        if request["Name"] not in self._experiments:
            raise not_found(f'Could not find inference experiment "{self._arn(request["Name"])}".')
        return self._experiments[request["Name"]]

    def _checked(self, members: Request) -> Request:
        """The members with every model variant, as far as can be said before the endpoint is changed."""
        serving = self._endpoints.describe({"EndpointName": members["EndpointName"]})
        counts = {item["VariantName"]: item["DesiredInstanceCount"] for item in serving["ProductionVariants"]}
        config = self._configs.describe(serving["EndpointConfigName"])
        variants = {item["VariantName"]: item for item in config["ProductionVariants"]}
        completed = completed_members(
            members, {name: model_variant(variants[name], count) for name, count in counts.items()}
        )
        for variant in completed["ModelVariants"]:
            self._models.container(variant["ModelName"])
        if capture := data_capture(completed):
            CapturePlan.of(capture)
        return completed

    def _go_on(self, experiment: Experiment, status: str) -> Response:
        """Have the experiment's task do what follows an operation."""
        experiment.become(status, self._clock.now())
        self._changed[experiment.members["Name"]].set()
        return {"InferenceExperimentArn": experiment.arn}

    async def _live(self, experiment: Experiment) -> None:
        """All that follows CreateInferenceExperiment, until it has ended."""
        try:
            await self._clock.sleep(CREATING_SECONDS)
            experiment.become("Created", self._clock.now())
            while experiment.status not in ENDED:
                await self._step(experiment, due(experiment, self._clock.now()))
        except (AwsError, ConductError) as error:
            self._end(experiment, "Cancelled", str(error))
        except Exception:  # noqa: BLE001 - a bug must show in the status, not in an experiment that never ends
            _log.exception("inference experiment %s failed", experiment.arn)
            self._end(experiment, "Cancelled", "The stand-in itself failed; its log says where.")

    async def _step(self, experiment: Experiment, step: Step | None) -> None:
        if step is None:
            await self._wait(experiment)
        elif step == "start":
            experiment.become("Starting", self._clock.now())
            await self._conductor.start(experiment)
            self._run(experiment)
        elif step == "revise" and experiment.before is None:
            experiment.become("Created", self._clock.now())
        elif step == "revise":
            await self._conductor.revise(experiment)
            self._run(experiment)
        elif step == "complete":
            experiment.become("Stopping", self._clock.now())
            experiment.show([], "Updating")
            await self._conductor.complete(experiment)
            self._end(experiment, "Completed", None)
        else:
            assert experiment.order is not None
            if experiment.before is not None:
                await self._conductor.stop(experiment, experiment.order)
            self._end(experiment, experiment.order.get("DesiredState", "Cancelled"), experiment.order.get("Reason"))

    async def _wait(self, experiment: Experiment) -> None:
        """Until the schedule, or an operation, has something to do."""
        changed = self._changed[experiment.members["Name"]]
        seconds = (due_at(experiment) - self._clock.now()).total_seconds()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), max(seconds, 0.0) / self._clock.speed)
        changed.clear()

    def _run(self, experiment: Experiment) -> None:
        experiment.become("Running", self._clock.now())
        experiment.show([variant["VariantName"] for variant in experiment.members["ModelVariants"]], "")

    def _end(self, experiment: Experiment, status: str, reason: str | None) -> None:
        experiment.end(status, reason, self._clock.now())
        endpoint = self._endpoint(experiment)
        serving = [*endpoint.get("ProductionVariants", []), *(endpoint.get("ShadowProductionVariants") or [])]
        experiment.show([variant["VariantName"] for variant in serving], "Deleted")

    def _endpoint(self, experiment: Experiment) -> Response:
        """DescribeEndpoint, or no more than the name of an endpoint that is gone."""
        try:
            return self._endpoints.describe({"EndpointName": experiment.endpoint})
        except AwsError:
            return {"EndpointName": experiment.endpoint}

    def _arn(self, name: str) -> str:
        return self._context.arn(f"inference-experiment/{name.lower()}")
