"""Brings instances up: capacity, model data from S3, a folder and an environment as in the container, a process, a
health check.

Sources: the API reference of ProductionVariant (the three timeouts); the failure reasons are those users report.
It must never decide how many instances there are, nor what traffic they get.
"""

import asyncio
import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local.context import Context
from local.faults import Faults
from local.faults.container import ContainerFault
from local.faults.hosting import Capacity
from local.hosting.plan import VariantPlan
from local.logs import LogStream
from local.serving import ArchiveError, Instance, Spec, StartError

PROVISIONING_SECONDS = 20.0
"""How long it takes to get an instance, and to ask again when there was none (AWS seconds)."""

Fetch = Callable[[str, Path], None]
"""Downloads model data: (s3:// URL, file to write). It blocks, in a thread; whatever it raises is a failure."""


_NO_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type."
)


class LaunchError(Exception):
    """An instance could not be brought into service; the message is the FailureReason."""


@dataclass(frozen=True)
class Place:
    """Where an instance belongs. `folder` is the variant's own, for the model data and what instances write."""

    endpoint: str
    config: str
    variant: str
    folder: Path


def fetch_from_s3(context: Context) -> Fetch:
    """Downloads through the stand-in's own S3."""

    def fetch(url: str, destination: Path) -> None:
        scheme, _, rest = url.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme != "s3" or not key:
            raise ValueError("it is not s3://bucket/key")
        context.client("s3").download_file(bucket, key, str(destination))

    return fetch


def log_group(endpoint: str) -> str:
    """Where in CloudWatch Logs the containers of an endpoint say what they do: a stream `<variant>/<instance>` each."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"


class Launcher:
    """Starts instances. Their containers have the faults that are set on their model package at that moment."""

    def __init__(self, context: Context, fetch: Fetch, faults: Faults) -> None:
        self.faults = faults
        self._context = context
        self._fetch = fetch
        self._numbers = itertools.count(1)

    async def provision(self, place: Place, plan: VariantPlan, count: int) -> None:
        """Get so many instances, a shortage being waited out as long as the plan says. Raises LaunchError."""
        clock = self._context.clock
        deadline = clock.time() + plan.provisioned_within
        await clock.sleep(PROVISIONING_SECONDS)
        had = 0
        while had < count:
            if all(shortage.grant() for shortage in self.faults.of(Capacity, place.endpoint)):
                had += 1
            elif clock.time() >= deadline:
                raise LaunchError(_NO_CAPACITY)
            else:
                await clock.sleep(PROVISIONING_SECONDS)

    async def download(self, place: Place, plan: VariantPlan) -> Path:
        """The model data as they are now, in the variant's folder. Raises LaunchError."""
        archive = place.folder / "model.tar.gz"
        url = plan.container.model_data_url
        try:
            place.folder.mkdir(parents=True, exist_ok=True)
            async with asyncio.timeout(plan.downloaded_within):
                await asyncio.to_thread(self._fetch, url, archive)
        except TimeoutError as error:
            raise LaunchError(
                f'Model data of container "container_1" from URL "{url}" did not arrive within '
                f"ModelDataDownloadTimeoutInSeconds ({plan.downloaded_within:g})."
            ) from error
        except Exception as error:
            raise LaunchError(
                f'Failed to download model data for container "container_1" from URL: "{url}". '
                f"Please ensure that there is an object located at the URL. ({error})"
            ) from error
        return archive

    def instance(self, place: Place, plan: VariantPlan, archive: Path, on_exit: Callable[[Instance], None]) -> Instance:
        """An instance that is yet to be started."""
        name = f"i-{uuid.uuid4().hex[:17]}"
        logs = self._context.state / "logs/aws/sagemaker/Endpoints"
        spec = Spec(
            model_data=archive,
            folder=place.folder / name,
            environment={**self._context.job_environment(), **plan.container.environment},
            log=logs / place.endpoint / place.variant / f"{name}.log",
            faults=[str(fault) for fault in self.faults.of(ContainerFault, plan.container.model_package_arn or "")],
        )
        return Instance(spec, on_exit, self._log(place, name, spec) if self._context.moto_url else None)

    async def start(self, place: Place, plan: VariantPlan, instance: Instance) -> None:
        """Start an instance until it is healthy. Raises LaunchError; then it has been stopped."""
        try:
            await instance.start(plan.healthy_within)
        except ArchiveError as error:
            raise LaunchError(
                'Failed to extract model data archive for container "container_1" from URL '
                f'"{plan.container.model_data_url}". Please ensure that the object located at the URL is a valid '
                f"tar.gz archive. ({error})"
            ) from error
        except StartError as error:
            raise LaunchError(
                f"The primary container for production variant {place.variant} did not pass the ping health check. "
                f"Please check CloudWatch logs for this endpoint. ({error}; log stream "
                f"{place.variant}/{instance.spec.folder.name} of log group {log_group(place.endpoint)})"
            ) from error

    def _log(self, place: Place, instance: str, spec: Spec) -> LogStream:
        """Its stream in CloudWatch Logs, in which the container's paths are its own."""
        return LogStream(
            lambda: self._context.client("logs"),
            self._context.clock,
            log_group(place.endpoint),
            f"{place.variant}/{instance}",
            spec.log,
            lambda line: line.replace(str(spec.folder), "/opt/ml"),
        )

    def folder(self, endpoint: str, config: str) -> Path:
        """A folder for one fleet, which no other fleet has."""
        return self._context.state / "endpoints" / endpoint / f"{config}-{next(self._numbers)}"
