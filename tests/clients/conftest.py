"""A stand-in for AWS's own programs, and the environment that it tells a shell to have."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.functional.conftest import exports, interrupt, start

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / ".clients" / "bin"
"""Where `make clients` puts AWS's programs."""

SPEED = "60"
PATIENCE = 120.0
"""Real seconds within which anything that is waited for must come."""


def until(probe: Callable[[], Any]) -> Any:
    """What `probe` returns, as soon as that is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := probe()):
        assert time.monotonic() < deadline, f"still {found!r} after {PATIENCE:g} seconds"
        time.sleep(0.1)
    return found


@pytest.fixture(scope="session", autouse=True)
def programs() -> Path:
    """The folder of AWS's programs; without it nothing here can run."""
    assert (PROGRAMS / "aws").exists(), "AWS's own programs are not installed: run `make clients`."
    return PROGRAMS


@pytest.fixture(scope="package")
def exported() -> Iterator[dict[str, str]]:
    """What `python -m local up` prints for a shell, while it is up."""
    process = start("up", "--port", "0", "--speed", SPEED)
    try:
        yield exports(process)
    finally:
        interrupt(process)


@pytest.fixture(scope="package")
def shell(exported: dict[str, str], programs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a person without any AWS configuration who took over those exports."""
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return {**exported, "PATH": path, "HOME": str(tmp_path_factory.mktemp("home")), "LANG": "C.UTF-8"}
