"""Shadow variants: what is copied to them, what it costs them, and that no client waits for them or sees them."""

import asyncio
import os
import signal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_hosting_rig import ECHO, World, is_running, processes, production, until, world

from local.errors import AwsError
from local.hosting.dice import Dice
from local.hosting.exchange import Exchange, Reply
from local.hosting.shadow import MOST_BYTES, MOST_COPIES, Mirror, share
from local.unverified import DEFAULTS, Unverified

FAILS = """
def model_fn(model_dir):
    return None
def transform_fn(model, data, content_type, accept):
    raise ValueError("the candidate is broken")
"""
HANGS = """
import time
def model_fn(model_dir):
    return None
def transform_fn(model, data, content_type, accept):
    time.sleep(600)
"""


def shadowed(w: World, name: str, *, code: str = ECHO, weight: float = 1.0, count: int = 1) -> str:
    """An endpoint config of v1 in production and a model of `code` as Shadow-01."""
    if "v1" not in [item["ModelName"] for item in w.hosting.list_models({"MaxResults": 100})["Models"]]:
        w.config(1, count=1)
    package = w.package(len(w.packages) + 10, code, NAME=name)
    w.hosting.create_model({"ModelName": f"{name}-model", "PrimaryContainer": {"ModelPackageName": package}})
    w.hosting.create_endpoint_config(
        {
            "EndpointConfigName": name,
            "ProductionVariants": [production("AllTraffic", "v1", 1)],
            "ShadowProductionVariants": [production("Shadow-01", f"{name}-model", count, weight)],
        }
    )
    return name


def shadowing(tmp_path, story, *, unverified: Unverified = DEFAULTS, **how: Any):
    """Run a story in a world whose endpoint `e` serves v1 and has a shadow."""

    async def go() -> None:
        async with world(tmp_path, unverified=unverified) as w:
            w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": shadowed(w, "candidate", **how)})
            assert (await w.settled())["EndpointStatus"] == "InService", w.describe()
            await story(w)

    asyncio.run(go())


def copies(w: World, metric: str = "Invocations", **which: Any) -> float:
    """A sum of the shadow's metric."""
    return w.sums(metric, variant="Shadow-01", **which)


@pytest.mark.aws(
    "Shadow tests",
    "The production variant answers every request; a shadow variant of weight 1 beside 1 is asked each of them too",
    "API: CreateEndpointConfig",
)
def test_every_answer_is_productions_and_the_shadow_is_asked_the_same(tmp_path):
    async def story(w: World) -> None:
        answers = [await w.invoke(b"a,b") for _ in range(20)]
        assert {answer.body for answer in answers} == {b"v1:a,b"}
        assert {answer.headers["x-Amzn-Invoked-Production-Variant"] for answer in answers} == {"AllTraffic"}
        await until(lambda: copies(w) == 20)
        assert w.sums("Invocations") == 20

    shadowing(tmp_path, story)


@pytest.mark.aws(
    "Shadow tests",
    "A shadow has the invocation metrics of any variant, under its own VariantName and also with EndpointConfigName",
    "Developer guide: Monitor a shadow test",
)
def test_the_shadow_has_metrics_of_its_own_under_both_sets_of_dimensions(tmp_path):
    async def story(w: World) -> None:
        for _ in range(5):
            await w.invoke()
        await until(lambda: copies(w) == 5)
        for which in ({}, {"config": "candidate"}):
            assert copies(w, "Invocation5XXErrors", **which) == copies(w, "InvocationModelErrors", **which) == 5
            assert copies(w, "ModelLatency", stat="SampleCount", **which) == 5
            assert copies(w, "ModelLatency", stat="Minimum", **which) > 0
        assert w.sums("Invocation5XXErrors") == w.sums("InvocationModelErrors") == 0

    shadowing(tmp_path, story, code=FAILS)


@pytest.mark.aws(
    "Shadow tests",
    "The shadow's weight beside the production variant's is the share of requests that is copied",
    "Developer guide: Shadow variants",
)
def test_the_weight_is_the_share_that_is_copied(tmp_path):
    async def story(w: World) -> None:
        for _ in range(200):
            await w.invoke()
        await until(lambda: not w.hosting._endpoints._endpoints["e"].blue.mirror._copies)
        assert 70 < copies(w) < 130

    shadowing(tmp_path, story, weight=0.5)


@pytest.mark.parametrize(
    ("reading", "shadow", "production", "wanted"),
    [
        ("ratio", 0.5, 1.0, 0.5),
        ("ratio", 1.0, 2.0, 0.5),
        ("absolute", 0.5, 2.0, 0.5),
        ("ratio", 3.0, 2.0, 1.0),
        ("absolute", 3.0, 2.0, 1.0),
        ("ratio", 0.0, 1.0, 0.0),
        ("ratio", 0.5, 0.0, 0.5),
    ],
)
def test_a_share_is_a_ratio_of_weights_or_the_weight_itself(reading, shadow, production, wanted):
    assert share(shadow, production, reading) == wanted


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.sampled_from(["ratio", "absolute"]))
def test_a_share_is_a_share_whatever_the_weights(shadow, production, reading):
    assert 0 <= share(shadow, production, reading) <= 1


def test_a_shadow_that_hangs_holds_no_client_up_nor_the_end_of_the_endpoint(tmp_path):
    async def story(w: World) -> None:
        pids = processes(w.hosting)
        async with asyncio.timeout(60):
            answers = [await w.invoke() for _ in range(MOST_COPIES + 40)]
            assert {answer.body for answer in answers} == {b"v1:x"}
            assert len(w.hosting._endpoints._endpoints["e"].blue.mirror._copies) == MOST_COPIES
            w.hosting.delete_endpoint({"EndpointName": "e"})
            await until(lambda: not w.hosting.list_endpoints({})["Endpoints"])
        assert not any(map(is_running, pids))
        assert w.sums("Invocations") == MOST_COPIES + 40
        assert w.sums("Invocation5XXErrors") == copies(w) == 0

    shadowing(tmp_path, story, code=HANGS)


def test_a_shadow_that_is_dead_costs_its_own_metrics_and_comes_back(tmp_path):
    async def story(w: World) -> None:
        endpoint = w.hosting._endpoints._endpoints["e"]
        (instance,) = endpoint.blue.shadow.instances
        os.kill(instance.pid, signal.SIGKILL)
        await until(lambda: w.describe()["ShadowProductionVariants"][0]["CurrentInstanceCount"] == 0)
        assert {(await w.invoke()).body for _ in range(5)} == {b"v1:x"}
        await until(lambda: copies(w, "Invocation5XXErrors") == 5)
        await until(lambda: w.describe()["ShadowProductionVariants"][0]["CurrentInstanceCount"] == 1)
        await w.invoke()
        await until(lambda: copies(w) == 6)
        assert copies(w, "Invocation5XXErrors") == 5

    shadowing(tmp_path, story)


@pytest.mark.aws(
    "Shadow tests",
    "UpdateEndpointWeightsAndCapacities changes the weight and the instance count of a shadow variant",
    "API: UpdateEndpointWeightsAndCapacities",
)
def test_a_shadows_weight_and_capacity_are_changed_in_place(tmp_path):
    async def story(w: World) -> None:
        wanted = {"VariantName": "Shadow-01", "DesiredWeight": 0.0, "DesiredInstanceCount": 2}
        w.hosting.update_endpoint_weights_and_capacities({"EndpointName": "e", "DesiredWeightsAndCapacities": [wanted]})
        (shadow,) = (await w.settled())["ShadowProductionVariants"]
        assert (shadow["CurrentWeight"], shadow["DesiredWeight"], shadow["CurrentInstanceCount"]) == (0.0, 0.0, 2)
        for _ in range(5):
            await w.invoke()
        assert not w.hosting._endpoints._endpoints["e"].blue.mirror._copies
        assert copies(w) == 0

    shadowing(tmp_path, story)


@pytest.mark.aws(
    "Shadow tests",
    "DescribeEndpoint shows ShadowProductionVariants, of what serves and of what is pending",
    "API: DescribeEndpoint",
)
def test_an_update_adds_a_shadow_and_takes_it_away(tmp_path):
    async def go() -> None:
        async with world(tmp_path) as w:
            await w.serve(1, count=1)
            assert w.describe()["ShadowProductionVariants"] is None
            w.hosting.update_endpoint({"EndpointName": "e", "EndpointConfigName": shadowed(w, "with", weight=0.5)})
            pending = w.describe()["PendingDeploymentSummary"]["ShadowProductionVariants"]
            assert [(item["VariantName"], item["DesiredWeight"]) for item in pending] == [("Shadow-01", 0.5)]
            described = await w.settled()
            assert [item["VariantName"] for item in described["ProductionVariants"]] == ["AllTraffic"]
            assert [item["VariantName"] for item in described["ShadowProductionVariants"]] == ["Shadow-01"]
            with pytest.raises(AwsError, match="is in use"):
                w.hosting.delete_model({"ModelName": "with-model"})
            w.hosting.update_endpoint({"EndpointName": "e", "EndpointConfigName": "v1"})
            assert (await w.settled())["ShadowProductionVariants"] is None
            w.hosting.delete_model({"ModelName": "with-model"})
            assert len(processes(w.hosting)) == 1

    asyncio.run(go())


@pytest.mark.aws(
    "Shadow tests",
    "An endpoint config with a shadow variant has exactly one of them and one production variant",
    "API: CreateEndpointConfig",
)
@pytest.mark.parametrize(("productions", "shadows"), [(2, 1), (1, 2)])
def test_one_production_and_one_shadow_variant_or_none(tmp_path, productions, shadows):
    async def go() -> None:
        async with world(tmp_path) as w:
            w.config(1)
            request = {
                "EndpointConfigName": "c",
                "ProductionVariants": [production(f"P{n}", "v1", 1) for n in range(productions)],
                "ShadowProductionVariants": [production(f"S{n}", "v1", 1) for n in range(shadows)],
            }
            with pytest.raises(AwsError, match=f"there are {productions} and {shadows}"):
                w.hosting.create_endpoint_config(request)

    asyncio.run(go())


def test_the_bodies_of_the_copies_under_way_are_bounded_too_and_what_was_dropped_is_said(tmp_path, caplog):
    async def go() -> None:
        async def never(*_: Any) -> Reply:
            await asyncio.Event().wait()
            raise AssertionError

        async with world(tmp_path) as w:
            w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": shadowed(w, "candidate")})
            await w.settled()
            fleet = w.hosting._endpoints._endpoints["e"].blue
            mirror = Mirror(fleet.production["AllTraffic"], fleet.shadow, never, DEFAULTS)
            exchange = Exchange("id", b"x" * (MOST_BYTES // 10), {}, Reply(200, {}, b"", 0.0), Dice("a request"))
            for _ in range(30):
                mirror.observe(exchange)
            assert len(mirror._copies) == 10
            await mirror.close()
            assert [record.message for record in caplog.records if record.name == "local.hosting.shadow"] == [
                "shadow variant Shadow-01 of endpoint e does not keep up: nothing is copied while 10 are under way",
                "shadow variant Shadow-01 of endpoint e did not keep up: 20 requests were not copied to it",
            ]
            mirror.observe(exchange)
            assert not mirror._copies

    asyncio.run(go())
