"""The stand-in as its users start it: a process of its own, found through environment variables."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3.session
import pytest

ROOT = Path(__file__).parents[2]
STORY = Path(__file__).parent / "story.yaml"
EXPORT = re.compile(r"^export (\w+)=(.*)$")


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """`python -m local ARGUMENTS`, with pipes, in a session of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.Popen(
        [sys.executable, "-m", "local", *arguments],
        cwd=ROOT,
        env={**clean, **environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def exports(process: subprocess.Popen[str]) -> dict[str, str]:
    """What `up` prints for a shell, read until it is ready."""
    found = {}
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("#"):
            return found
        match = EXPORT.match(line.strip())
        assert match, line
        found[match[1]] = match[2].strip("'")
    raise AssertionError(f"it ended instead: {process.stderr.read() if process.stderr else ''}")


def interrupt(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Ctrl-C; the exit code and what it said."""
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    return process.returncode, said


@pytest.fixture(scope="session")
def standin() -> Iterator[dict[str, str]]:
    """The environment of a running stand-in, 60 times as fast as the wall clock."""
    process = start("up", "--port", "0", "--speed", "60")
    try:
        yield exports(process)
    finally:
        interrupt(process)


@pytest.fixture(scope="session")
def client(standin):
    """Makes boto3 clients on the stand-in."""

    def make(service: str) -> Any:
        return boto3.session.Session(
            aws_access_key_id=standin["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=standin["AWS_SECRET_ACCESS_KEY"],
            region_name=standin["AWS_REGION"],
        ).client(service, endpoint_url=standin["AWS_ENDPOINT_URL"])

    return make


@pytest.fixture(scope="session")
def told(tmp_path_factory) -> tuple[Path, str]:
    """The short story, rehearsed once on a machine set up for a proxy and another AWS: its folder, and what it said."""
    folder = tmp_path_factory.mktemp("rehearsal")
    elsewhere = {
        "HTTP_PROXY": "http://127.0.0.1:9",
        "AWS_PROFILE": "nobody",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    }
    process = start("rehearse", "--story", str(STORY), "--out", str(folder), **elsewhere)
    out, said = process.communicate(timeout=240)
    assert process.returncode == 0, out + said
    return folder, out
