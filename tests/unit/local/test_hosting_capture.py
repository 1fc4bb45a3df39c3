"""Data capture at work: what reaches S3 and when, and that no request feels a full disk or an S3 that fails."""

import asyncio
import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from test_hosting_rig import World, production, until, world
from test_hosting_shadow import FAILS, shadowed

from local.clock import Clock
from local.hosting import capture as capturing
from local.hosting.capture import Capture, Store
from local.hosting.capture_plan import CapturePlan
from local.hosting.dice import Dice
from local.hosting.exchange import Exchange, Reply
from local.unverified import DEFAULTS, Unverified

DICE = Dice("one request")
EXCHANGE = Exchange(
    "id", b"1,2", {"Content-Type": "text/csv"}, Reply(200, {"Content-Type": "text/csv"}, b"1", 0.0), DICE
)


def config(bucket: str, **members: Any) -> dict[str, Any]:
    """A DataCaptureConfig of everything, to a bucket."""
    return {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{bucket}/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
        **members,
    }


class S3:
    """The objects of one bucket."""

    def __init__(self, url: str, bucket: str, *, create: bool = True) -> None:
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
        self._client = boto3.client("s3", endpoint_url=url, **keys)
        self.bucket = bucket
        if create:
            self.create()

    def create(self) -> None:
        self._client.create_bucket(Bucket=self.bucket)

    def objects(self) -> dict[str, bytes]:
        """Every object by key."""
        listed = self._client.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        keys = [item["Key"] for item in listed]
        return {key: self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}

    def lines(self, variant: str) -> list[dict[str, Any]]:
        """Every captured line of a variant of endpoint `e`."""
        texts = [text for key, text in self.objects().items() if key.startswith(f"captured/e/{variant}/")]
        return [json.loads(line) for text in texts for line in text.splitlines()]


async def create(w: World, captured: dict[str, Any], **shadow: Any) -> None:
    """Endpoint `e` in service, its config with a DataCaptureConfig, and a shadow when one is asked for."""
    base = shadowed(w, "base", **shadow) if shadow else w.config(1, count=1)
    described = w.hosting.describe_endpoint_config({"EndpointConfigName": base})
    members = {key: described[key] for key in ("ProductionVariants", "ShadowProductionVariants") if key in described}
    w.hosting.create_endpoint_config({"EndpointConfigName": "captured", "DataCaptureConfig": captured, **members})
    w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": "captured"})
    assert (await w.settled())["EndpointStatus"] == "InService", w.describe()


def capturing_world(tmp_path, server, story, *, speed: float = 240.0, unverified: Unverified = DEFAULTS):
    """Run a story in a world with S3, which ends when the story does."""

    async def go() -> None:
        async with world(tmp_path, speed, moto=server, unverified=unverified) as w:
            await story(w)

    asyncio.run(go())


def status(w: World) -> str:
    """The CaptureStatus of `e`."""
    return str(w.describe()["DataCaptureConfig"]["CaptureStatus"])


@pytest.mark.aws(
    "Data capture",
    "What is captured is in S3 within a couple of minutes, in the folder of the UTC hour",
    "Developer guide: Capture data from real-time endpoint",
)
def test_a_captured_request_is_in_s3_a_minute_later_while_the_endpoint_goes_on(tmp_path, server):
    s3 = S3(server, "minute")

    async def story(w: World) -> None:
        await create(w, config("minute"))
        hours = [f"{w.clock.now():%Y/%m/%d/%H}"]
        await w.invoke(b"a,b", X_Amzn_SageMaker_Inference_Id="flight-7")
        hours.append(f"{w.clock.now():%Y/%m/%d/%H}")
        await until(lambda: bool(s3.objects()))
        ((key, text),) = s3.objects().items()
        assert any(key.startswith(f"captured/e/AllTraffic/{hour}/") for hour in hours)
        assert key.endswith(".jsonl")
        captured = json.loads(text)
        assert captured["captureData"]["endpointOutput"]["data"] == "v1:a,b"
        assert captured["eventMetadata"]["inferenceId"] == "flight-7"
        assert status(w) == "Started"
        assert not list((tmp_path / "captured").rglob("*.jsonl"))

    capturing_world(tmp_path, server, story)


@pytest.mark.aws(
    "Data capture",
    "A shadow is captured under its own variant folder; the InferenceId joins it with the production variant's",
    "Developer guide: Shadow tests",
)
def test_a_shadow_is_captured_beside_production_and_joined_by_inference_id(tmp_path, server):
    s3 = S3(server, "joined")

    async def story(w: World) -> None:
        await create(w, config("joined"), weight=1.0)
        for number in range(5):
            await w.invoke(X_Amzn_SageMaker_Inference_Id=f"flight-{number}")
        await until(lambda: w.sums("Invocations", variant="Shadow-01") == 5)

    capturing_world(tmp_path, server, story)
    ours, shadows = (
        {line["eventMetadata"]["inferenceId"]: line for line in s3.lines(variant)}
        for variant in ("AllTraffic", "Shadow-01")
    )
    assert set(ours) == set(shadows) == {f"flight-{number}" for number in range(5)}
    assert {line["captureData"]["endpointOutput"]["data"] for line in shadows.values()} == {"base:x"}
    ids = [line["eventMetadata"]["eventId"] for line in [*ours.values(), *shadows.values()]]
    assert len(set(ids)) == 10


def test_production_and_shadow_share_an_event_id_under_that_reading(tmp_path, server):
    s3 = S3(server, "shared")

    async def story(w: World) -> None:
        await create(w, config("shared"), weight=1.0)
        await w.invoke()
        await until(lambda: w.sums("Invocations", variant="Shadow-01") == 1)

    capturing_world(tmp_path, server, story, unverified=Unverified(shadow_event_id="shared"))
    (ours,), (shadows,) = s3.lines("AllTraffic"), s3.lines("Shadow-01")
    assert ours["eventMetadata"]["eventId"] == shadows["eventMetadata"]["eventId"]


def test_the_last_lines_are_in_s3_when_the_endpoint_is_deleted(tmp_path, server):
    s3 = S3(server, "deleted")

    async def story(w: World) -> None:
        await create(w, config("deleted"))
        await w.invoke()
        w.hosting.delete_endpoint({"EndpointName": "e"})
        await until(lambda: not w.hosting.list_endpoints({})["Endpoints"])
        assert len(s3.lines("AllTraffic")) == 1

    capturing_world(tmp_path, server, story, speed=20.0)


def test_capture_begins_and_ends_with_an_endpoint_config(tmp_path, server):
    s3 = S3(server, "updated")

    async def story(w: World) -> None:
        await w.serve(1, count=1)
        assert w.describe()["DataCaptureConfig"] is None
        for name, enabled in (("on", True), ("off", False)):
            w.hosting.create_endpoint_config(
                {
                    "EndpointConfigName": name,
                    "ProductionVariants": [production("AllTraffic", "v1", 1)],
                    "DataCaptureConfig": config("updated", EnableCapture=enabled),
                }
            )
            w.hosting.update_endpoint({"EndpointName": "e", "EndpointConfigName": name})
            await w.settled()
            await w.invoke(name.encode())
            assert status(w) == ("Started" if enabled else "Stopped")

    capturing_world(tmp_path, server, story)
    assert [line["captureData"]["endpointInput"]["data"] for line in s3.lines("AllTraffic")] == ["on"]


def test_an_invocation_that_its_container_failed_is_kept_under_that_reading(tmp_path, server):
    s3 = S3(server, "failures")

    async def story(w: World) -> None:
        await create(w, config("failures"), code=FAILS)
        await w.invoke()
        await until(lambda: w.sums("Invocations", variant="Shadow-01") == 1)

    capturing_world(tmp_path, server, story, unverified=Unverified(captured_failures="yes"))
    (failed,) = s3.lines("Shadow-01")
    assert failed["captureData"]["endpointOutput"]["data"]


@pytest.mark.aws(
    "Data capture",
    "CaptureStatus says whether capture is functional; inference goes on when it is not",
    "API: DataCaptureConfigSummary",
)
def test_a_missing_bucket_stops_capture_and_fails_no_request_and_nothing_is_lost_when_it_appears(
    tmp_path, server, caplog
):
    s3 = S3(server, "late", create=False)

    async def story(w: World) -> None:
        await create(w, config("late"))
        assert (await w.invoke(b"early")).status == 200
        await until(lambda: status(w) == "Stopped")
        assert (await w.invoke(b"later")).status == 200
        assert "data capture of endpoint e: s3://late/captured/e/AllTraffic/" in caplog.text
        assert "NoSuchBucket" in caplog.text
        s3.create()
        await until(lambda: status(w) == "Started")

    capturing_world(tmp_path, server, story)
    data = [line["captureData"]["endpointInput"]["data"] for line in s3.lines("AllTraffic")]
    assert sorted(data) == ["early", "later"]


def test_an_s3_that_is_not_there_leaves_the_files_and_says_where(tmp_path, caplog):
    async def story(w: World) -> None:
        await create(w, config("nowhere"))
        assert (await w.invoke()).status == 200

    capturing_world(tmp_path, None, story)
    (kept,) = (tmp_path / "captured/e").iterdir()
    assert f"data capture of endpoint e ends: 0 requests lost; files not in S3: {kept}" in caplog.text
    assert json.loads(kept.read_text())["captureData"]["endpointInput"]["data"] == "x"


class Disk:
    """A store in memory: /dev/full is its disk while it is full."""

    def __init__(self) -> None:
        self.full = False
        self.uploaded: dict[str, int] = {}
        self.store = Store(Clock(60_000.0), Path("captured"), self._write, self._upload)
        self._files: dict[Path, bytes] = {}

    def _write(self, path: Path, data: bytes) -> None:
        if self.full:
            Path("/dev/full").write_bytes(data)
        self._files[path] = data

    def _upload(self, path: Path, bucket: str, key: str, kms_key: str | None) -> None:
        self.uploaded[key] = self._files[path].count(b"\n")

    def capture(self) -> Capture:
        return Capture("e", CapturePlan.of(config("bucket")), self.store)


@pytest.mark.aws(
    "Data capture",
    "A full disk stops capture, not inference",
    "Developer guide: Capture data from real-time endpoint",
)
def test_a_full_disk_stops_capture_until_there_is_room_and_says_how_much_was_lost(caplog):
    async def go() -> None:
        disk = Disk()
        captured = disk.capture()
        disk.full = True
        captured.observe("A", EXCHANGE)
        captured.observe("A", EXCHANGE)
        await until(lambda: captured.summary()["CaptureStatus"] == "Stopped")
        assert "the disk does not take what is captured: [Errno 28]" in caplog.text
        disk.full = False
        captured.observe("A", EXCHANGE)
        await until(lambda: captured.summary()["CaptureStatus"] == "Started")
        await captured.close()
        assert list(disk.uploaded.values()) == [1]
        assert "ends: 2 requests lost; files not in S3: none" in caplog.text

    asyncio.run(go())


def test_a_file_where_the_folder_should_be_fails_no_request(tmp_path, server):
    S3(server, "folder")

    async def story(w: World) -> None:
        (tmp_path / "captured").write_text("")
        await create(w, config("folder"))
        assert (await w.invoke()).status == 200
        await until(lambda: status(w) == "Stopped")
        assert (await w.invoke()).status == 200

    capturing_world(tmp_path, server, story)


def test_one_file_holds_one_variant(tmp_path):
    async def go() -> None:
        disk = Disk()
        captured = disk.capture()
        for variant in "ABABB":
            captured.observe(variant, EXCHANGE)
        await captured.close()
        counts = {key.split("/")[2]: lines for key, lines in disk.uploaded.items()}
        assert counts == {"A": 2, "B": 3}
        captured.observe("A", EXCHANGE)
        await captured.close()
        assert sum(disk.uploaded.values()) == 5

    asyncio.run(go())


def test_what_waits_for_a_disk_that_takes_nothing_is_bounded():
    async def go() -> None:
        disk = Disk()
        captured = disk.capture()
        big = Exchange("id", b"x" * (capturing.MOST_BYTES // 4), {}, EXCHANGE.reply, DICE)
        for _ in range(10):
            captured.observe("A", big)
        assert len(captured._events) == 3
        assert captured.summary()["CaptureStatus"] == "Stopped"
        await captured.close()
        assert sum(disk.uploaded.values()) == 3

    asyncio.run(go())


@pytest.mark.parametrize("count", [1, 100])
def test_much_that_is_captured_becomes_files_before_the_minute_is_over(count):
    async def go() -> None:
        disk = Disk()
        store = Store(Clock(0.001), disk.store.folder, disk.store.write, disk.store.upload)
        captured = Capture("e", CapturePlan.of(config("bucket")), store)
        for _ in range(count):
            captured.observe("A", Exchange("id", b"x" * (capturing.ROLL_BYTES // count), {}, EXCHANGE.reply, DICE))
        await until(lambda: bool(disk.uploaded))
        await captured.close()

    asyncio.run(go())


def test_one_seed_samples_and_copies_the_same_requests_twice(tmp_path, server):
    def seen(bucket: str) -> list[set[str]]:
        s3 = S3(server, bucket)

        async def story(w: World) -> None:
            await create(w, config(bucket, InitialSamplingPercentage=50), weight=0.5)
            for number in range(40):
                await w.invoke(f"{number}".encode())
            await until(lambda: not w.hosting._endpoints._endpoints["e"].blue.mirror._copies)

        capturing_world(tmp_path / bucket, server, story)
        captured = [s3.lines(variant) for variant in ("AllTraffic", "Shadow-01")]
        return [{line["captureData"]["endpointInput"]["data"] for line in lines} for lines in captured]

    first = seen("first")
    assert all(0 < len(numbers) < 40 for numbers in first)
    assert seen("second") == first
