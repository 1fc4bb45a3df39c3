"""How long the default rehearsal takes. Limit: 90 s on two cores."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.timing import seconds

LIMIT_SECONDS = 90


def measure() -> Iterator[str]:
    """Once, as `make rehearse` runs it, into a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        wall = seconds(["-m", "local", "rehearse", "--out", folder])
        report = json.loads(Path(folder, "report.json").read_text())
    steps = sum(step["seconds"] for execution in report["pipeline_executions"] for step in execution["steps"])
    rollouts = sum(act["rollout_seconds"] for act in report["acts"]) / report["speed"]
    parts = f"{steps:.0f} s in pipeline steps and {rollouts:.0f} s in rollouts"
    yield f"{wall:.0f} s, of which {parts}: {wall / LIMIT_SECONDS:.2f} of the limit of {LIMIT_SECONDS} s"
