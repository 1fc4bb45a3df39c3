"""Writes docs/reference.md from the code: commands, stage settings, pipeline parameters, metrics, faults.

`make docs` runs it and a test compares, so that nothing is undocumented and nothing documented is gone. It also puts
the transcript of the last `make rehearse` in the README.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference.md"
METRICS = (
    ("AWS/SageMaker", "Invocation5XXErrors", "guardrail `error_rate`: 0 or 1 a request, so Average is the error rate"),
    ("AWS/SageMaker", "ModelLatency", "guardrail `latency_p99`: microseconds a request"),
    (
        "AWS/SageMaker",
        "Invocations",
        "`guardrails.minimum_requests`: requests the new fleet was sent, less those refused",
    ),
    ("AWS/SageMaker", "Invocation4XXErrors", "`guardrails.minimum_requests`: requests the model refused prove nothing"),
    (
        "GuardedRollout",
        "PredictionDistance",
        (
            "guardrail `prediction_distance`, published by the served model itself: population stability index of its "
            "last 1,000 predictions (at least 100) against those on its training data, less what chance alone gives"
        ),
    ),
)


def page() -> str:
    """The whole page, the same whatever the width of the terminal."""
    os.environ["COLUMNS"] = "100"
    return "\n".join([*_head(), *_commands(), *_settings(), *_parameters(), *_metrics(), *_faults()])


def _head() -> Iterator[str]:
    yield "# Reference"
    yield ""
    yield "Written by `make docs` from the code; a test compares. Do not edit."


def _commands() -> Iterator[str]:
    sys.path.insert(0, str(ROOT))
    from deploy.cli import parser as deploy
    from local.cli import parser as local
    from pipelines.__main__ import parser as pipelines

    yield "\n## Commands"
    for parser in (pipelines(), deploy(), local()):
        for name, command in _subcommands(parser):
            yield f"\n### `{parser.prog} {name}`\n"
            yield f"```\n{command.format_help().rstrip()}\n```"


def _subcommands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to its subcommands
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            yield from action.choices.items()


def _settings() -> Iterator[str]:
    from deploy.policy import fields

    yield "\n## Settings of a stage (`deploy/stages/*.yaml`)\n"
    yield "| key | meaning | example | limit |\n|---|---|---|---|"
    for path, field in fields():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        example = (field.examples or [""])[0]
        yield f"| `{path}` | {field.description} | `{example}` | {extra.get('limit', '')} |"


def _parameters() -> Iterator[str]:
    from pipelines.parameters import COUNTS, HYPERPARAMETERS, LIMITS, TEXT

    yield "\n## Parameters of the pipeline (`python -m pipelines run --set NAME=VALUE`)\n"
    yield "| parameter | default |\n|---|---|"
    yield "| `InputData` | `s3://BUCKET/raw` |"
    defaults = {**TEXT, **{name: value for name, (_, value) in HYPERPARAMETERS.items()}, **COUNTS, **LIMITS}
    for name, value in defaults.items():
        yield f"| `{name}` | `{value}` |"


def _metrics() -> Iterator[str]:
    yield "\n## Metrics that guardrails look at\n"
    yield "All carry the dimensions EndpointName, VariantName and EndpointConfigName: the new fleet's alone.\n"
    yield "| namespace | metric | used for |\n|---|---|---|"
    for namespace, name, meaning in METRICS:
        yield f"| {namespace} | `{name}` | {meaning} |"


def _faults() -> Iterator[str]:
    from local.faults import REGISTRY, SCOPES

    yield "\n## Faults (`python -m local rehearse --fault`)\n"
    yield "[rehearsal.md](rehearsal.md#faults) tells how to set them anywhere else. `none`: nothing is wrong.\n"
    yield "Seconds are AWS's; milliseconds are real time. WHICH is a share (`0.5`), `first` (if left out) or `first-3`."
    yield "What is in [brackets] may be left out; behind it write the name: `bursts:5:every=60`.\n"
    yield "| scope | fault | what it does | a guarded release is |\n|---|---|---|---|"
    for fault in sorted(REGISTRY.values(), key=lambda fault: SCOPES.index(fault.scope)):
        does = " ".join((fault.__doc__ or "").split())
        yield f"| {fault.scope} | `{fault.form()}` | {does} | {fault.expect.replace('_', ' ')} |"
    yield ""


def with_transcript(readme: str, transcript: str) -> str:
    """The README with the transcript of a rehearsal in the block that follows "It just showed:"."""
    before, mark, rest = readme.partition("It just showed:\n\n```\n")
    _, fence, after = rest.partition("\n```\n")
    return before + mark + transcript.rstrip() + fence + after


if __name__ == "__main__":
    PAGE.write_text(page())
    told, readme = ROOT / "build" / "rehearsal" / "transcript.txt", ROOT / "README.md"
    if told.exists():
        readme.write_text(with_transcript(readme.read_text(), told.read_text()))
