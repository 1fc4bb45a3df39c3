"""How much a newcomer installs. Baseline: the limit of 600 MB."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

LIMIT_MB = 600
ROOT = Path(__file__).parent.parent


def measure() -> Iterator[str]:
    """What `make rehearse` installs, by requirements.txt; then the whole environment this runs in."""
    pinned = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    run = sum(_megabytes(found) for found in distributions() if _name(found) in pinned)
    whole = sum(path.stat().st_size for path in Path(sys.prefix).rglob("*") if path.is_file()) / 1e6
    yield f"{run:.0f} MB for a rehearsal: {run / LIMIT_MB:.2f} of the {LIMIT_MB} MB limit"
    yield f"{whole:.0f} MB here, with development tools and bytecode"


def _name(found: Distribution) -> str:
    return re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower()


def _megabytes(found: Distribution) -> float:
    paths = (Path(str(found.locate_file(file))) for file in found.files or ())
    return sum(path.stat().st_size for path in paths if path.exists()) / 1e6
