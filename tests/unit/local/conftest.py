"""What the tests of the stand-in share: a real S3 and its neighbours, from moto; worlds in which something serves."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.moto import Moto
from local.unverified import DEFAULTS, Unverified

if TYPE_CHECKING:
    from test_hosting_rig import World


@pytest.fixture(scope="module")
def server():
    """The URL of a moto server on 127.0.0.1."""
    moto = Moto()
    yield moto.url
    moto.stop()


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., None]:
    """Runs a story in a world of its own, under the default readings of what AWS leaves open or others."""
    from test_hosting_rig import world

    def runner(story: "Callable[[World], Coroutine[Any, Any, None]]", unverified: Unverified = DEFAULTS) -> None:
        async def go() -> None:
            async with world(tmp_path, unverified=unverified) as w:
                await story(w)

        asyncio.run(go())

    return runner
