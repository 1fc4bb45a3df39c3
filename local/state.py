"""The folder of a stand-in's files: one stand-in at a time, and nothing of an earlier one taken for its own.

What a stand-in knows is in its memory and ends with it, so files that are left (by one that was killed, say) belong to
nothing: they are removed at the next start. It must never remove what is not a stand-in's.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from local.errors import CannotStartError

LOCK = ".stand-in"
"""Marks a folder as a stand-in's, holds its process id, and is locked for as long as that process lives."""

_PREFIX = "sagemaker-"
_YOUNG_SECONDS = 60
"""A temporary folder of that age may be about to be locked by a stand-in that is starting."""

_ENDING_SECONDS = 5
"""How long the processes of a stand-in that was killed may take to end."""


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[int]:
    """Hold a folder, empty, while the block runs; how many leftovers of an earlier stand-in were removed from it.

    Raises CannotStartError when it cannot be written to, holds anything else, or another stand-in has it.
    """
    with contextlib.ExitStack() as held:
        try:
            lock = held.enter_context(_locked(folder))
            leftovers = [path for path in folder.iterdir() if path.name != LOCK]
            for path in leftovers:
                _remove(path)
            os.ftruncate(lock, 0)
            os.write(lock, f"{os.getpid()}\n".encode())
            os.fsync(lock)
        except OSError as error:
            said = f"{folder} cannot be used: {error.strerror}; choose another with --state"
            raise CannotStartError(said) from error
        yield len(leftovers)


@contextlib.contextmanager
def temporary() -> Iterator[Path]:
    """A claimed folder that is removed after the block. Those of stand-ins that were killed are removed first."""
    for old in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{LOCK}"):
        _remove_abandoned(old.parent)
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name, claimed(Path(name)):
        yield Path(name)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """Hold the folder's lock, made when it is new. Raises CannotStartError, or OSError when it cannot be written to."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / LOCK).exists() and any(folder.iterdir()):
        raise CannotStartError(f"{folder} holds files that are not a stand-in's; give --state a folder of its own")
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    with os.fdopen(lock, "rb+", buffering=0):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            said = f"another stand-in (process {os.read(lock, 20).decode().strip()}) is using {folder}"
            raise CannotStartError(f"{said}; choose another with --state") from error
        yield lock


def _remove_abandoned(folder: Path) -> None:
    """Remove a stand-in's folder, unless it is in use, too young to tell, or somebody else's."""
    with contextlib.suppress(OSError, CannotStartError):
        if folder.stat().st_uid == os.getuid() and time.time() - folder.stat().st_mtime > _YOUNG_SECONDS:
            with _locked(folder):
                shutil.rmtree(folder)


def _remove(path: Path) -> None:
    """Remove a file or a folder, also one in which a process of a killed stand-in still writes before it ends."""
    if not path.is_dir() or path.is_symlink():
        path.unlink()
        return
    deadline = time.monotonic() + _ENDING_SECONDS
    while path.exists():
        try:
            shutil.rmtree(path)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.ENOENT) or time.monotonic() > deadline:
                raise
