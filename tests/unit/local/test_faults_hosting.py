"""Faults of hosting, as callers and CloudWatch see them: shortages, a cause that both fleets share, a wrong split."""

import asyncio

from deployment_rig import canary, instances, phases, update
from test_hosting_rig import World, until

from local.unverified import Unverified

TOLD = Unverified(failure_reason_after_rollback="kept")


def test_a_capacity_shortage_takes_an_update_back(run):
    async def story(w: World) -> None:
        await w.serve(count=2)
        w.hosting.faults.put("capacity:1", "e")
        update(w, 2)
        described = await w.settled()
        assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "v1")
        assert "InsufficientInstanceCapacity" in described["FailureReason"]

    run(story, TOLD)


def test_a_capacity_shortage_leaves_as_many_instances_as_it_says(run):
    async def story(w: World) -> None:
        w.hosting.faults.put("capacity:2", "e")
        await w.serve(count=2)

    run(story)


def test_a_capacity_shortage_is_the_endpoints_own(run):
    async def story(w: World) -> None:
        w.hosting.faults.put("capacity", "another")
        await w.serve(count=1)

    run(story)


def test_a_capacity_shortage_can_pass(run):
    async def story(w: World) -> None:
        w.hosting.faults.put("capacity:0:60", "e")
        began = w.clock.time()
        await w.serve(count=1, VariantInstanceProvisionTimeoutInSeconds=600)
        assert w.clock.time() - began >= 60

    run(story)


def test_a_common_cause_hits_both_fleets_from_a_moment_on(run):
    async def story(w: World) -> None:
        await w.serve()
        update(w, 2, canary(instances(1), wait=3000))
        await until(lambda: "new Baking" in phases(w))
        assert {(await w.invoke()).status for _ in range(10)} == {200}
        w.hosting.faults.put("common-cause:errors:1", "e")
        while w.sums("Invocations", config="v1") * w.sums("Invocations", config="v2") == 0:
            await w.invoke()
        for config in ("v1", "v2"):
            before = w.sums("Invocation5XXErrors", config=config)
            while w.sums("Invocation5XXErrors", config=config) == before:
                assert (await w.invoke()).status == 424

    run(story)


def test_a_common_cause_shows_in_the_latency_of_the_model(run):
    async def story(w: World) -> None:
        w.hosting.faults.put("common-cause:slow:60", "e")
        await w.serve(count=1)
        await asyncio.gather(*(w.invoke() for _ in range(5)))
        assert w.sums("ModelLatency", stat="Minimum") >= 60_000

    run(story)


def test_a_router_that_splits_wrongly_gives_the_canary_another_share_than_its_capacity(run):
    async def story(w: World) -> None:
        await w.serve(count=2)
        w.hosting.faults.put("split:0.9", "e")
        assert {(await w.invoke()).body for _ in range(20)} == {b"v1:x"}
        update(w, 2, canary(instances(1), wait=3000))
        await until(lambda: "new Baking" in phases(w))
        bodies = [(await w.invoke()).body for _ in range(200)]
        assert 160 < bodies.count(b"v2:x") < 200

    run(story)


def test_a_wrong_split_ends_when_the_new_fleet_has_all_the_traffic(run):
    async def story(w: World) -> None:
        await w.serve(count=2)
        w.hosting.faults.put("split:0.1", "e")
        update(w, 2, canary(instances(1), wait=30, final=3000))
        await until(lambda: phases(w).count("new Baking") == 2)
        assert {(await w.invoke()).body for _ in range(50)} == {b"v2:x"}

    run(story)
