"""Models that cannot be served: the endpoint is Failed, says why and where the log is, and leaves nothing behind."""

import asyncio
import io
import re
import tarfile
from pathlib import Path

import psutil
import pytest
from test_hosting_rig import SPEED, World, production
from test_serving_container import archive

from local.serving import warm_up
from local.unverified import DEFAULTS

EXTRACT = 'Failed to extract model data archive for container "container_1" from URL "s3://bucket/model.tar.gz"'
PING = "The primary container for production variant AllTraffic did not pass the ping health check"


class Bucket(World):
    """A world with one object, or none."""

    content: bytes | None = None

    def _fetch(self, url: str, destination: Path) -> None:
        if self.content is None:
            raise FileNotFoundError(f"An error occurred (404) when calling the HeadObject operation: {url}")
        destination.write_bytes(self.content)


def model_servers() -> list[psutil.Process]:
    """What was forked for any instance and still runs."""
    forked = psutil.Process(warm_up()._process.pid).children()
    return [process for process in forked if process.status() != psutil.STATUS_ZOMBIE]


def packed(folder: Path, **files: bytes) -> bytes:
    """A model.tar.gz of some files, `__` in their names standing for a slash."""
    named = {name.replace("__", "/"): content for name, content in files.items()}
    return archive(folder / "made.tar.gz", dict(named)).read_bytes()


def leaving() -> bytes:
    """An archive with a link that leads out of its folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        link = tarfile.TarInfo("xgboost-model")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return buffer.getvalue()


@pytest.mark.aws(
    "Endpoints",
    "An endpoint whose model data are missing, no archive or no model is Failed, and FailureReason says which",
    "API: DescribeEndpoint; the messages are those users report",
)
@pytest.mark.parametrize(
    ("content", "script", "said"),
    [
        (lambda folder: None, False, 'Failed to download model data for container "container_1".*404'),
        (lambda folder: b"not an archive", False, f"{EXTRACT}.*not a complete gzip-compressed tar"),
        (lambda folder: packed(folder, weights=bytes(range(256)) * 99)[:-400], False, f"{EXTRACT}.*not a complete"),
        (lambda folder: leaving(), False, f"{EXTRACT}.*would write outside its folder"),
        (
            lambda folder: packed(folder, code__inference=b""),
            False,
            f"{PING}.*no model in its root.*log stream AllTraffic/i-",
        ),
        (
            lambda folder: packed(folder, model=b"{}"),
            False,
            f"{PING}.*Model model cannot be loaded.*log group /aws/sagemaker/Endpoints/e",
        ),
        (lambda folder: packed(folder, model=b"{}"), True, f"{PING}.*SAGEMAKER_PROGRAM inference.py is not in"),
    ],
    ids=["no object", "no archive", "cut short", "leaves its folder", "no model", "no XGBoost model", "no script"],
)
def test_an_endpoint_of_a_model_that_cannot_be_served_is_failed_and_says_why(tmp_path, content, script, said):
    async def go() -> None:
        w = Bucket(tmp_path, SPEED, DEFAULTS, None)
        w.content = content(tmp_path)
        environment = {"SAGEMAKER_PROGRAM": "inference.py"} if script else {}
        container = {"Image": "xgboost:3.2-0", "ModelDataUrl": "s3://bucket/model.tar.gz", "Environment": environment}
        w.hosting.create_model({"ModelName": "m", "PrimaryContainer": container})
        variants = [production("AllTraffic", "m", 2)]
        w.hosting.create_endpoint_config({"EndpointConfigName": "c", "ProductionVariants": variants})
        w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": "c"})
        described = await w.settled()
        assert described["EndpointStatus"] == "Failed"
        assert re.search(said, described["FailureReason"])
        assert model_servers() == []
        assert not list((tmp_path / "endpoints").rglob("i-*"))
        await w.hosting.close()

    asyncio.run(go())
