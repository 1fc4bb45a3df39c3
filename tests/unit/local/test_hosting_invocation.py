"""InvokeEndpoint: answers, errors, routing and metrics, with real model servers behind it."""

import asyncio
import functools
import json
import os
import signal

import pytest
from multidict import CIMultiDict
from test_hosting_rig import World, is_running, processes, production, until, world

from local.errors import AwsError
from local.hosting.dice import Dice
from local.hosting.invocation import microseconds

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
DYING = """
import os
def model_fn(model_dir):
    return None
def transform_fn(model, data, content_type, accept):
    return os._exit(1) if data == "die" else ("1", "text/csv")
"""
ATTRIBUTES = """
from flask import Response, request
NAME = "X-Amzn-SageMaker-Custom-Attributes"
def model_fn(model_dir):
    return None
def transform_fn(model, data, content_type, accept):
    return Response("1", headers={} if data == "silent" else {NAME: "seen " + request.headers[NAME]})
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


@pytest.fixture
def one_endpoint(tmp_path):
    """Runs a story against one instance that echoes."""
    return functools.partial(serving, tmp_path, count=1)


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


@pytest.mark.aws(
    "Metrics",
    "Invocation metrics are 0 or 1 a request, under the variant and under its endpoint config as well",
    "Developer guide: Monitor SageMaker with CloudWatch; Deployment guardrails",
)
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


@pytest.mark.aws("Metrics", "ModelLatency is in microseconds", "Developer guide: Monitor SageMaker with CloudWatch")
def test_model_latency_is_the_measured_time_in_microseconds(tmp_path):
    async def story(w: World) -> None:
        await w.invoke()
        assert 30_000 <= w.sums("ModelLatency", stat="Minimum") < 1_000_000
        assert 0 <= w.sums("OverheadLatency", stat="Maximum") < 1_000_000

    serving(tmp_path, story, count=1, code=SLOW)


@pytest.mark.aws(
    "Serving",
    "A header that its model's limits exclude, or that only other kinds of endpoints take, is a ValidationError",
    "API: InvokeEndpoint",
)
@pytest.mark.parametrize(
    ("name", "headers", "message"),
    [
        ("nowhere", {}, "Endpoint nowhere of account 111122223333 not found."),
        ("e", {"Target-Variant": "Blue"}, "Variant Blue not found for endpoint e."),
        ("e", {"Target-Variant": "x" * 64}, "'targetVariant' failed to satisfy.*length less than or equal to 63"),
        ("e", {"Custom-Attributes": "x" * 1025}, "'customAttributes' failed to satisfy.*less than or equal to 1024"),
        ("e", {"Custom-Attributes": "caf\u00e9"}, "'customAttributes' failed to satisfy.*pattern"),
        ("e", {"Inference-Id": "x" * 65}, "'inferenceId' failed to satisfy.*less than or equal to 64"),
        ("e", {"Inference-Id": " x"}, "'inferenceId' failed to satisfy.*pattern"),
        ("e", {"Target-Model": "m.tar.gz"}, "is not a multi-model endpoint and does not support target model header"),
        ("e", {"Target-Container-Hostname": "c"}, "does not support direct container invocation"),
        ("e", {"Inference-Component": "c"}, "Inference Component Name header is not allowed"),
        ("e", {"Enable-Explanations": "`true`"}, "has no explainer configured"),
        ("e", {"Session-Id": "NEW_SESSION"}, "does not support stateful sessions"),
    ],
)
def test_a_request_that_cannot_be_served_is_a_validation_error(one_endpoint, name, headers, message):
    given = CIMultiDict({f"X-Amzn-SageMaker-{header}": value for header, value in headers.items()})

    async def story(w: World) -> None:
        with pytest.raises(AwsError, match=message) as caught:
            await w.hosting.invoke_endpoint(name, b"x", given)
        assert (caught.value.code, caught.value.status) == ("ValidationError", 400)

    one_endpoint(story)


@pytest.mark.aws("Serving", "A body over 6 MiB is refused with HTTP 413", "aws/sagemaker-python-sdk, issue 171")
def test_a_body_over_6_mib_never_reaches_the_container(one_endpoint):
    async def story(w: World) -> None:
        with pytest.raises(AwsError, match="HTTP content length exceeded 6291456 bytes") as caught:
            await w.invoke(b"x" * (6 * 1024 * 1024 + 1))
        assert caught.value.status == 413
        assert w.sums("Invocations") == 0

    one_endpoint(story)


@pytest.mark.parametrize("header", ["Inference-Id", "Prefix-Aware-Id"])
def test_headers_that_say_nothing_to_this_endpoint_are_taken(one_endpoint, header):
    async def story(w: World) -> None:
        assert (await w.invoke(**{f"X-Amzn-SageMaker-{header}": "trace 7"})).status == 200

    one_endpoint(story)


@pytest.mark.aws(
    "Serving",
    "A container that does not answer within 60 seconds is a ModelError with OriginalStatusCode 0",
    "Developer guide: Use your own inference code with hosting services",
)
def test_an_answer_that_takes_too_long_is_a_model_error(tmp_path):
    async def story(w: World) -> None:
        router = w.hosting._endpoints._router
        assert router._within == 60
        router._within = 0.05
        answer = await w.invoke()
        error = json.loads(answer.body)
        assert (answer.status, error["OriginalStatusCode"]) == (424, 0)
        assert "Your invocation timed out while waiting for a response from container primary" in error["Message"]
        names = ("Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors")
        assert [w.sums(name) for name in names] == [0, 1, 1]

    serving(tmp_path, story, count=1, code=SLOW.replace("0.03", "0.5"))


@pytest.mark.aws(
    "Serving", "Custom attributes reach the container verbatim, and its own the client", "API: InvokeEndpoint"
)
def test_custom_attributes_go_both_ways(tmp_path):
    async def story(w: World) -> None:
        answer = await w.invoke(**{"X-Amzn-SageMaker-Custom-Attributes": "trace=7; a b"})
        assert answer.headers["X-Amzn-SageMaker-Custom-Attributes"] == "seen trace=7; a b"
        assert "X-Amzn-SageMaker-Custom-Attributes" not in (await w.invoke(b"silent")).headers

    serving(tmp_path, story, count=1, code=ATTRIBUTES)


def test_an_answer_over_6_mib_is_a_model_error(tmp_path):
    async def story(w: World) -> None:
        error = json.loads((await w.invoke()).body)
        assert "7000000 bytes; 6291456 are the most" in error["OriginalMessage"]

    serving(
        tmp_path, story, count=1, code='def model_fn(d): pass\ndef transform_fn(*a): return "x" * 7_000_000, "text/csv"'
    )


@pytest.mark.aws("Serving", "A variant of weight 0 gets no traffic unless it is targeted", "API: ProductionVariant")
def test_a_variant_without_weight_is_served_only_when_it_is_targeted(tmp_path):
    async def go() -> None:
        async with world(tmp_path) as w:
            w.config(1, count=1), w.config(2, count=1)
            variants = [production("A", "v1", 1), production("B", "v2", 1, weight=0.0)]
            w.hosting.create_endpoint_config({"EndpointConfigName": "ab", "ProductionVariants": variants})
            w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": "ab"})
            await w.settled()
            assert {(await w.invoke()).body for _ in range(50)} == {b"v1:x"}
            assert (await w.invoke(X_Amzn_SageMaker_Target_Variant="B")).body == b"v2:x"

    asyncio.run(go())


@pytest.mark.aws(
    "Serving",
    "A container that dies under a request is a ModelError, counted as 5XX, and its instance is replaced",
    "Developer guide: Monitor SageMaker with CloudWatch",
)
def test_a_process_that_dies_under_a_request_is_a_model_error_and_is_replaced(tmp_path):
    async def story(w: World) -> None:
        (pid,) = processes(w.hosting)
        error = json.loads((await w.invoke(b"die")).body)
        assert error["OriginalStatusCode"] == 0
        assert "could not get a response" in error["OriginalMessage"]
        await until(lambda: processes(w.hosting) not in ([], [pid]))
        await until(lambda: w.describe()["ProductionVariants"][0]["CurrentInstanceCount"] == 1)
        assert (await w.invoke(b"live")).status == 200
        assert [w.sums(name) for name in ("Invocations", "Invocation5XXErrors")] == [2, 1]
        assert not is_running(pid)

    serving(tmp_path, story, count=1, code=DYING)


@pytest.mark.aws(
    "Serving",
    "LEAST_OUTSTANDING_REQUESTS routes to an instance with the fewest requests",
    "API: ProductionVariantRoutingConfig",
)
def test_least_outstanding_requests_avoids_a_busy_instance(tmp_path):
    async def go() -> None:
        async with world(tmp_path) as w:
            w.config(1, count=2)
            variant = {
                **production("AllTraffic", "v1", 2),
                "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
            }
            w.hosting.create_endpoint_config({"EndpointConfigName": "least", "ProductionVariants": [variant]})
            w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": "least"})
            await w.settled()
            running = w.hosting._endpoints._endpoints["e"].blue.variants["AllTraffic"]
            running.instances[0].outstanding = 3
            assert {running.pick(Dice(f"{number}")) for number in range(20)} == {running.instances[1]}

    asyncio.run(go())


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0, 0), (0.000_987, 987), (0.001_234, 1_230), (0.001_235, 1_240), (61.2, 61_200_000)]
)
def test_latencies_are_kept_to_three_digits(seconds, shown):
    assert microseconds(seconds) == shown


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
