"""Writes docs/fidelity.md: what the stand-in does as AWS does, with the source and the test of each claim.

A claim stands beside the test that checks it, as `@pytest.mark.aws(area, claim, source)`; what AWS leaves open is a
switch of local/unverified.py. It must never hold a claim itself: one without a test could not be believed.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.unverified import switches

ROOT = Path(__file__).parents[1]
AREAS = (
    "Requests",
    "Endpoints",
    "Deployments",
    "Serving",
    "Shadow tests",
    "Data capture",
    "Metrics",
    "Alarms",
    "Model registry",
    "Pipelines",
    "Jobs",
    "Events",
    "Autoscaling",
)
HEAD = """# What a rehearsal proves

Written by `make docs` from the tests: each row is a test that runs in `make test`, or with `AWS_CONFORMANCE=1` against
an account of yours. What no row says, a rehearsal does not prove. [rehearsal.md](rehearsal.md) tells it in prose.
"""
OPEN = """## Undocumented by AWS

Nobody outside AWS can know these without trying. The stand-in takes the first reading, the one under which a deployer
that relies on too much fails here; `--assume NAME=READING` of `python -m local up` and `rehearse` takes another.

| switch | question | readings |
|---|---|---|
"""


@dataclass(frozen=True)
class Claim:
    """One row: an area of AREAS, what AWS does, where AWS says so, and the test."""

    area: str
    claim: str
    source: str
    test: str


def claims() -> Iterator[Claim]:
    """Every claim in the tests, by file and line. Raises ValueError for one that is not three plain strings."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for words in filter(None, map(_words, node.decorator_list)):
                    where = f"{path.relative_to(ROOT)}, {node.name}"
                    if len(words) != 3 or words[0] not in AREAS:
                        raise ValueError(f"{where}: mark it aws(area, claim, source), area being one of {AREAS}")
                    yield Claim(*words, where)


def _words(decorator: ast.expr) -> tuple[str, ...] | None:
    if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func) != "pytest.mark.aws":
        return None
    return tuple(ast.literal_eval(argument) for argument in decorator.args)


def page() -> str:
    """The whole page."""
    found = list(claims())
    parts = [HEAD]
    for area in AREAS:
        rows = [f"| {c.claim} | {c.source} | {_test(c.test)} |\n" for c in found if c.area == area]
        if rows:
            parts.append(f"## {area}\n\n| what AWS does | source | test |\n|---|---|---|\n" + "".join(rows))
    readings = (f"| `{s.name}` | {s.question} | {' · '.join(s.readings)} |\n" for s in switches())
    parts.append(OPEN + "".join(readings))
    return "\n".join(parts)


def _test(where: str) -> str:
    path, name = where.split(", ")
    return f"[{name.removeprefix('test_').replace('_', ' ')}](../{path})"


if __name__ == "__main__":
    (ROOT / "docs" / "fidelity.md").write_text(page())
