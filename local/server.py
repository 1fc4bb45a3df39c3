"""The stand-in as a whole: its services, built around one clock and one front, and ended in order.

A service is added in `_build`: one entry in `owners`, under botocore's name for it. It must never hold the state of a
service.
"""

import asyncio
import contextlib
import logging
import os
import random
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from local.autoscaling import AutoScaling
from local.clock import Clock
from local.cloudwatch import CloudWatch
from local.context import ACCOUNT, Context
from local.errors import CannotStartError
from local.events import Clockwork, Events, scheduled
from local.faults import Faults
from local.front import Front, Services
from local.hosting import Hosting
from local.jobs import Jobs
from local.moto import Moto
from local.pipelines import Pipelines
from local.registry import Registry
from local.state import claimed, temporary
from local.tags import Tags
from local.unverified import DEFAULTS, Unverified

_log = logging.getLogger("local")


@dataclass(frozen=True)
class Running:
    """A stand-in that is up: where it is, its clock, and what is wrong with it."""

    url: str
    context: Context
    services: Services
    faults: Faults


@contextlib.asynccontextmanager
async def running(
    state: Path | None = None,
    *,
    port: int = 0,
    speed: float = 1.0,
    seed: int | None = None,
    region: str = "us-east-1",
    unverified: Unverified = DEFAULTS,
    duplicate_events: int = 0,
) -> AsyncIterator[Running]:
    """SageMaker on 127.0.0.1:`port` (0: any free one) while the block runs; every process it started ends with it.

    `state` is the folder of its files, None a temporary one. `seed` makes routing, and the names of executions and
    jobs, repeatable; `duplicate_events` copies follow each event. Raises CannotStartError when the folder, or the port,
    cannot be used.
    """
    clock = Clock(speed)
    faults = Faults(clock.time)
    front = Front(clock, faults)
    settings: dict[str, Any] = {"access_log": None, "handler_cancellation": False, "auto_decompress": False}
    runner = web.AppRunner(front.application(), shutdown_timeout=1, **settings)
    async with contextlib.AsyncExitStack() as stack:
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await _listen(runner, port)
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        events = Events(clock, duplicates=duplicate_events, faults=faults)
        folder = _folder(stack, state)
        services, context, background = _build(clock, events, faults, url, folder, region, seed, unverified)
        stack.callback(services.moto.stop)
        session = aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None))
        await stack.enter_async_context(session)
        front.open(services, session)
        for owner in {owner: None for owners in services.owners.values() for owner in owners}:
            if close := getattr(owner, "close", None):
                stack.push_async_callback(close)
        tasks = [asyncio.create_task(work) for work in background]
        stack.push_async_callback(_cancel, tasks)
        yield Running(url, context, services, faults)


async def _listen(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
    except OSError as error:
        said = f"port {port} of 127.0.0.1 cannot be used ({os.strerror(error.errno or 0)})"
        raise CannotStartError(f"{said}; choose another with --port, or 0 for any free one") from error


def _folder(stack: contextlib.AsyncExitStack, state: Path | None) -> Path:
    """The folder of the stand-in's files, held until the stack unwinds."""
    if state is None:
        return stack.enter_context(temporary())
    if leftovers := stack.enter_context(claimed(state)):
        _log.warning("%d leftover(s) of an earlier stand-in removed from %s: each start is a new one", leftovers, state)
    return state


def _build(
    clock: Clock,
    events: Events,
    faults: Faults,
    url: str,
    state: Path,
    region: str,
    seed: int | None,
    unverified: Unverified,
) -> tuple[Services, Context, list[Coroutine[Any, Any, None]]]:
    """The services, what they share, and what runs beside them. An owner's `close`, if it has one, is awaited."""
    tags = Tags()
    moto = Moto(clock)
    context = Context(clock, region, ACCOUNT, state, url, events.emitter("aws.sagemaker"), moto.url, unverified)
    registry = Registry(context, tags.by_arn)
    cloudwatch = CloudWatch(context, events.emitter("aws.cloudwatch"))
    describe = registry.describe_model_package
    hosting = Hosting(context, cloudwatch, describe, tags=tags.by_arn, faults=faults, seed=seed)
    jobs = Jobs(context, tags.by_arn, faults)
    pipelines = Pipelines(context, jobs, registry.create_model_package, random.Random(seed), tags.by_arn)
    owners = {
        "sagemaker": (registry, hosting, hosting.experiments, jobs, pipelines, tags),
        "sagemaker-runtime": (hosting,),
        "cloudwatch": (cloudwatch,),
        "application-autoscaling": (AutoScaling(context, cloudwatch, hosting, seed=seed),),
    }
    clockwork = Clockwork(clock, lambda: scheduled(ACCOUNT, region))
    background = [clock.keep(), events.run(context.client), clockwork.run(), cloudwatch.run()]
    return Services(owners, hosting, cloudwatch, moto), context, background


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            _log.error("a background task of the stand-in had failed: %r", outcome)
