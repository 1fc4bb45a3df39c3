"""InvokeEndpoint: answers, errors, routing and metrics, with real model servers behind it."""

import asyncio
import json
import os
import signal

import pytest
from test_hosting_rig import World, processes, production, until, world

from local.errors import AwsError

HEADERS = """
from flask import Response
def model_fn(model_dir):
    return None
def transform_fn(model, data, content_type, accept):
    if data == "bad":
        return Response("the row has 1 column, 2 are needed", status=400, mimetype="text/plain")
    attributes = {"X-Amzn-SageMaker-Custom-Attributes": "c"}
    return Response(f"{content_type} {accept}", mimetype="text/plain", headers=attributes)
"""
SLOW = """
import time
def model_fn(model_dir):
    return None
def transform_fn(model, data, content_type, accept):
    time.sleep(0.03)
    return "1", "text/csv"
"""


def serving(tmp_path, story, **how):
    """Run a story in a world whose endpoint `e` is in service."""

    async def go() -> None:
        async with world(tmp_path) as w:
            await w.serve(**how)
            await story(w)

    asyncio.run(go())


def test_an_answer_carries_the_content_type_the_variant_and_custom_attributes(tmp_path):
    async def story(w: World) -> None:
        answer = await w.invoke(Accept="text/plain")
        assert answer.body == b"text/csv text/plain"
        assert answer.headers == {
            "Content-Type": "text/plain; charset=utf-8",
            "x-Amzn-Invoked-Production-Variant": "AllTraffic",
            "X-Amzn-SageMaker-Custom-Attributes": "c",
        }

    serving(tmp_path, story, count=1, code=HEADERS)


def test_a_containers_4xx_is_a_model_error_that_quotes_it_and_counts_as_4xx(tmp_path):
    async def story(w: World) -> None:
        answer = await w.invoke(b"bad")
        error = json.loads(answer.body)
        assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (424, "ModelError")
        assert error["OriginalStatusCode"] == 400
        assert error["OriginalMessage"] == "the row has 1 column, 2 are needed"
        assert "Received client error (400) from primary" in error["Message"]
        assert error["LogStreamArn"].endswith("log-group:/aws/sagemaker/Endpoints/e")
        names = ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors")
        assert [w.sums(name, config="v1") for name in names] == [1, 1, 0, 1]

    serving(tmp_path, story, count=1, code=HEADERS)


def test_a_handler_that_raises_is_a_500_and_counts_under_both_sets_of_dimensions(tmp_path):
    async def story(w: World) -> None:
        await w.invoke()
        answer = await w.invoke(b"boom")
        assert json.loads(answer.body)["OriginalStatusCode"] == 500
        for config in (None, "v1"):
            assert w.sums("Invocations", config=config) == 2
            assert w.sums("Invocation5XXErrors", config=config, stat="Average") == 0.5
            assert w.sums("InvocationsPerInstance", config=config) == 1

    serving(tmp_path, story, count=2)


def test_model_latency_is_the_measured_time_in_microseconds(tmp_path):
    async def story(w: World) -> None:
        await w.invoke()
        assert 30_000 <= w.sums("ModelLatency", stat="Minimum") < 1_000_000
        assert 0 <= w.sums("OverheadLatency", stat="Maximum") < 1_000_000

    serving(tmp_path, story, count=1, code=SLOW)


@pytest.mark.parametrize(
    ("name", "body", "headers", "message"),
    [
        ("nowhere", b"x", {}, "Endpoint nowhere of account 111122223333 not found."),
        ("e", b"x" * (6 * 1024 * 1024 + 1), {}, "less than or equal to 6291456"),
        ("e", b"x", {"X-Amzn-SageMaker-Target-Variant": "Blue"}, "Variant Blue not found"),
    ],
    ids=["no such endpoint", "body over 6 MiB", "no such variant"],
)
def test_a_request_that_cannot_be_served_is_a_validation_error(tmp_path, name, body, headers, message):
    async def story(w: World) -> None:
        with pytest.raises(AwsError, match=message) as caught:
            await w.hosting.invoke_endpoint(name, body, headers)
        assert (caught.value.code, caught.value.status) == ("ValidationError", 400)

    serving(tmp_path, story, count=1)


def test_an_endpoint_that_is_still_being_created_is_not_found(tmp_path):
    async def go() -> None:
        async with world(tmp_path) as w:
            w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": w.config(1, count=1)})
            with pytest.raises(AwsError, match="not found"):
                await w.invoke()

    asyncio.run(go())


def test_variants_share_traffic_by_weight_and_a_target_overrides_it(tmp_path):
    async def go() -> None:
        async with world(tmp_path) as w:
            w.config(1, count=1), w.config(2, count=1)
            variants = [production("A", "v1", 1, weight=3.0), production("B", "v2", 1, weight=1.0)]
            w.hosting.create_endpoint_config({"EndpointConfigName": "ab", "ProductionVariants": variants})
            w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": "ab"})
            await w.settled()
            bodies = [(await w.invoke()).body for _ in range(200)]
            assert 30 < bodies.count(b"v2:x") < 70
            aimed = [await w.invoke(X_Amzn_SageMaker_Target_Variant="B") for _ in range(10)]
            assert {answer.headers["x-Amzn-Invoked-Production-Variant"] for answer in aimed} == {"B"}

    asyncio.run(go())


def test_an_instance_that_dies_while_serving_costs_5xx_and_is_started_again(tmp_path):
    async def story(w: World) -> None:
        (pid,) = processes(w.hosting)
        os.kill(pid, signal.SIGKILL)
        statuses = [(await w.invoke()).status for _ in range(20)]
        assert statuses[-1] == 424
        assert w.sums("Invocation5XXErrors") == statuses.count(424)
        await until(lambda: processes(w.hosting) not in ([], [pid]))
        await until(lambda: w.describe()["ProductionVariants"][0]["CurrentInstanceCount"] == 1)
        assert (await w.invoke()).status == 200

    serving(tmp_path, story, count=1)


def test_one_seed_routes_the_same_way_twice(tmp_path):
    def bodies(folder):
        seen: list[bytes] = []

        async def go() -> None:
            async with world(folder) as w:
                w.config(1, count=1), w.config(2, count=1)
                variants = [production("A", "v1", 1), production("B", "v2", 1)]
                w.hosting.create_endpoint_config({"EndpointConfigName": "ab", "ProductionVariants": variants})
                w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": "ab"})
                await w.settled()
                seen.extend([(await w.invoke()).body for _ in range(30)])

        asyncio.run(go())
        return seen

    assert bodies(tmp_path / "1") == bodies(tmp_path / "2")
