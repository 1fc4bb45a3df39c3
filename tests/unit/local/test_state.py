"""A stand-in's folder: its own, empty at the start, and never somebody else's."""

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from local.errors import CannotStartError
from local.state import LOCK, claimed, temporary
from tests.unit.local.test_hosting_rig import world

HOLD = """
import sys
from pathlib import Path
from local.state import claimed
with claimed(Path(sys.argv[1])):
    (Path(sys.argv[1]) / "jobs").mkdir()
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    """Another process that holds a folder until its stdin is closed or it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process


def killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_folder_is_made_with_its_parents(tmp_path):
    with claimed(tmp_path / "a" / "b") as leftovers:
        assert (tmp_path / "a" / "b").is_dir()
        assert leftovers == 0


def test_a_second_stand_in_on_one_folder_is_refused_with_the_first_ones_process_id(tmp_path):
    first = holder(tmp_path)
    with pytest.raises(CannotStartError, match=f"process {first.pid}.*choose another with --state"), claimed(tmp_path):
        pass
    assert (tmp_path / "jobs").is_dir()
    killed(first)


def test_the_lock_dies_with_its_process_and_what_it_left_is_removed(tmp_path):
    killed(holder(tmp_path))
    with claimed(tmp_path) as leftovers:
        assert leftovers == 1
        assert [path.name for path in tmp_path.iterdir()] == [LOCK]


def test_what_a_link_among_the_leftovers_points_to_is_kept(tmp_path):
    killed(holder(tmp_path / "state"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("kept")
    (tmp_path / "state" / "link").symlink_to(tmp_path / "mine")
    with claimed(tmp_path / "state"):
        assert (tmp_path / "mine" / "file").read_text() == "kept"


def test_a_folder_with_files_of_somebody_else_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(CannotStartError, match=r"not a stand-in's.*--state"), claimed(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("place", ["/proc/nowhere", "/dev/full/state"])
def test_a_folder_that_cannot_be_written_to_is_refused_with_the_reason(place):
    with pytest.raises(CannotStartError, match=r"cannot be used: .*choose another with --state"), claimed(Path(place)):
        pass


def test_an_error_of_the_block_itself_is_not_taken_for_the_folders(tmp_path):
    with pytest.raises(OSError, match="mine"), claimed(tmp_path):
        raise OSError("mine")


def test_a_temporary_folder_is_gone_after_its_block():
    with temporary() as folder:
        (folder / "jobs").mkdir()
    assert not folder.exists()


def test_temporary_folders_of_killed_stand_ins_are_removed_and_those_in_use_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed(holder(tmp_path / "sagemaker-killed"))
    killed(holder(tmp_path / "sagemaker-young"))
    used = holder(tmp_path / "sagemaker-used")
    (tmp_path / "sagemaker-not-ours").mkdir()
    for name in ("sagemaker-killed", "sagemaker-used", "sagemaker-not-ours"):
        os.utime(tmp_path / name, (0, 0))
    with temporary():
        left = {path.name for path in tmp_path.iterdir() if path.name.startswith("sagemaker-")}
    assert "sagemaker-killed" not in left
    assert left >= {"sagemaker-young", "sagemaker-used", "sagemaker-not-ours"}
    killed(used)


async def _reason_on_a_broken_disk(folder: Path) -> str:
    async with world(folder) as w:
        (folder / "endpoints").write_text("in the way of the folder, as a full disk is")
        w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": w.config(1)})
        return str((await w.settled())["FailureReason"])


def test_an_endpoint_whose_files_cannot_be_written_fails_with_the_reason(tmp_path):
    assert "Not a directory" in asyncio.run(_reason_on_a_broken_disk(tmp_path))
