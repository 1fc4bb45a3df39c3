"""How much a newcomer installs. Baseline: the limit of 600 MB."""

import sys
from collections.abc import Iterator
from pathlib import Path

LIMIT_MB = 600


def measure() -> Iterator[str]:
    """The size of the environment this runs in, with the bytecode written so far, by the space files take."""
    folder = Path(sys.prefix)
    bytecode = total = 0
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            size = path.stat().st_blocks * 512
            total += size
            bytecode += size if path.suffix == ".pyc" else 0
    mb, pyc = total / 1e6, bytecode / 1e6
    yield f"{mb:.0f} MB installed, {pyc:.0f} MB of it bytecode: {mb / LIMIT_MB:.2f} of the {LIMIT_MB} MB limit"
