"""The rig of the hosting tests: a world with real model servers, a fast clock, no S3 and no front; what it rests on."""

import asyncio
import io
import os
import tarfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from multidict import CIMultiDict

from local.clock import Clock
from local.cloudwatch import CloudWatch
from local.context import Context, Response
from local.errors import validation
from local.hosting import Hosting, InvokeResponse
from local.unverified import DEFAULTS, Unverified

SPEED = 240.0
PACKAGE = "arn:aws:sagemaker:us-east-1:111122223333:model-package/flights/{}"
ECHO = """
import os
def model_fn(model_dir):
    return os.environ.get("NAME", "model")
def transform_fn(model, data, content_type, accept):
    if data == "boom":
        raise ValueError("boom")
    return f"{model}:{data}", "text/csv"
"""
BROKEN = "def model_fn(model_dir):\n    raise RuntimeError('weights are missing')\n"


def model_archive(path: Path, code: str) -> Path:
    """A model.tar.gz with code/inference.py."""
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo("code/inference.py")
        info.size = len(code.encode())
        tar.addfile(info, io.BytesIO(code.encode()))
    return path


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that nobody announces."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for is seen from outside, as by an AWS client
            await asyncio.sleep(0.005)


class World:
    """Hosting and CloudWatch, with the packages, events and model data that they see."""

    def __init__(self, folder: Path, speed: float, unverified: Unverified, moto: str | None) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.clock = Clock(speed)
        self.context = Context(
            self.clock,
            "us-east-1",
            "111122223333",
            folder,
            "http://127.0.0.1:1",
            lambda kind, _, x: self.events.append((kind, x)),
            moto,
            unverified,
        )
        self.packages: dict[str, Response] = {}
        self.code: dict[str, str] = {}
        self.cloudwatch = CloudWatch(self.context)
        self.hosting = Hosting(self.context, self.cloudwatch, self._describe_package, fetch=self._fetch, seed=1)

    def package(self, version: int, code: str = ECHO, status: str = "Approved", **environment: str) -> str:
        """Register a package whose model is `code`."""
        arn, url = PACKAGE.format(version), f"s3://bucket/{version}/model.tar.gz"
        self.code[url] = code
        script = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
        container = {"Image": "xgboost:3.2-0", "ModelDataUrl": url, "Environment": {**script, **environment}}
        self.packages[arn] = {
            "ModelPackageArn": arn,
            "ModelApprovalStatus": status,
            "InferenceSpecification": {"Containers": [container]},
        }
        return arn

    def config(
        self, version: int, *, count: int = 2, code: str = ECHO, variant: str = "AllTraffic", **members: Any
    ) -> str:
        """A package, a model and an endpoint config, all named v<version>; `members` are the variant's."""
        arn = self.package(version, code, NAME=f"v{version}")
        self.hosting.create_model({"ModelName": f"v{version}", "PrimaryContainer": {"ModelPackageName": arn}})
        self.hosting.create_endpoint_config(
            {
                "EndpointConfigName": f"v{version}",
                "ProductionVariants": [{**production(variant, f"v{version}", count), **members}],
            }
        )
        return f"v{version}"

    async def serve(self, version: int = 1, **how: Any) -> None:
        """An endpoint `e` in service on v<version>."""
        config = self.config(version, **how)
        self.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": config})
        assert (await self.settled())["EndpointStatus"] == "InService", self.describe()

    async def settled(self) -> Response:
        """DescribeEndpoint of `e` once nothing is being done to it."""
        await until(lambda: self.describe()["EndpointStatus"] in ("InService", "Failed", "UpdateRollbackFailed"))
        return self.describe()

    def describe(self) -> Response:
        """DescribeEndpoint of `e`."""
        return self.hosting.describe_endpoint({"EndpointName": "e"})

    async def invoke(self, body: bytes = b"x", **headers: str) -> InvokeResponse:
        """InvokeEndpoint of `e` with CSV."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.hosting.invoke_endpoint("e", body, CIMultiDict({"content-type": "text/csv", **given}))

    def sums(self, metric: str, *, config: str | None = None, variant: str = "AllTraffic", stat: str = "Sum") -> float:
        """A statistic of the last hours of `e`: of both fleets, or of one."""
        dimensions = [("EndpointName", "e"), ("VariantName", variant)]
        dimensions += [("EndpointConfigName", config)] if config else []
        now = self.clock.now()
        answer = self.cloudwatch.get_metric_statistics(
            {
                "Namespace": "AWS/SageMaker",
                "MetricName": metric,
                "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions],
                "StartTime": now - timedelta(hours=23),
                "EndTime": now + timedelta(minutes=1),
                "Period": 86_400,
                "Statistics": [stat],
            }
        )
        return sum(point[stat] for point in answer["Datapoints"])

    def _describe_package(self, request: Mapping[str, Any]) -> Response:
        if request["ModelPackageName"] not in self.packages:
            raise validation(f"ModelPackage {request['ModelPackageName']} does not exist.")
        return self.packages[request["ModelPackageName"]]

    def _fetch(self, url: str, destination: Path) -> None:
        if url not in self.code:
            raise FileNotFoundError(url)
        model_archive(destination, self.code[url])


def production(variant: str, model: str, count: int, weight: float = 1.0) -> dict[str, Any]:
    """A ProductionVariant."""
    return {
        "VariantName": variant,
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": count,
        "InitialVariantWeight": weight,
    }


def canary(
    bake: int = 120, final: int = 0, alarms: tuple[str, ...] = (), timeout: int = 3600, instances: int = 1
) -> dict[str, Any]:
    """A DeploymentConfig with a canary of some instances."""
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "CANARY",
                "CanarySize": {"Type": "INSTANCE_COUNT", "Value": instances},
                "WaitIntervalInSeconds": bake,
            },
            "TerminationWaitInSeconds": final,
            "MaximumExecutionTimeoutInSeconds": timeout,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]},
    }


@asynccontextmanager
async def world(
    folder: Path, speed: float = SPEED, *, unverified: Unverified = DEFAULTS, moto: str | None = None
) -> AsyncIterator[World]:
    """A world whose alarms are evaluated; nothing of it is left afterwards. `moto` is where its S3 is."""
    made = World(folder, speed, unverified, moto)
    alarms = asyncio.create_task(made.cloudwatch.run())
    try:
        yield made
    finally:
        alarms.cancel()
        await made.hosting.close()


def processes(hosting: Hosting) -> list[int]:
    """The process ids of every instance."""
    endpoints = hosting._endpoints._endpoints.values()
    fleets = [fleet for endpoint in endpoints for fleet in endpoint.fleets]
    variants = [variant for fleet in fleets for variant in fleet.variants.values()]
    return [instance.pid for variant in variants for instance in variant.instances if instance.pid]


def is_running(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_endpoint_serves_its_model_and_leaves_no_process_when_deleted(tmp_path):
    """CreateEndpoint to DeleteEndpoint: real answers in between, and then nothing."""

    async def go() -> None:
        async with world(tmp_path) as w:
            await w.serve(count=2)
            answer = await w.invoke(b"a,b")
            assert (answer.status, answer.body) == (200, b"v1:a,b")
            pids = processes(w.hosting)
            assert len(pids) == 2
            assert all(map(is_running, pids))
            w.hosting.delete_endpoint({"EndpointName": "e"})
            await until(lambda: not w.hosting.list_endpoints({})["Endpoints"])
            assert not any(map(is_running, pids))

    asyncio.run(go())


def test_closing_ends_every_process_even_in_the_middle_of_a_deployment(tmp_path):
    """Ctrl-C while a fleet is being provisioned leaves nothing behind."""

    async def go() -> list[int]:
        async with world(tmp_path) as w:
            await w.serve(count=2)
            w.hosting.update_endpoint(
                {"EndpointName": "e", "EndpointConfigName": w.config(2), "DeploymentConfig": canary()}
            )
            await until(lambda: len(processes(w.hosting)) == 4)
            return processes(w.hosting)

    pids = asyncio.run(go())
    assert not any(map(is_running, pids))
