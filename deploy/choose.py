"""Chooses how a stage rolls out, from what its owner answers, and says why for every value. Pure.

The matrix is in docs/strategies.md. It must never choose a rollout whose alarms could not fire: what it writes passes
every check of a policy.
"""

import math
import textwrap
from dataclasses import dataclass

from deploy.guardrails import PUBLISH_LAG

PERIOD = 60
DATAPOINTS, LATE_DATAPOINTS = 2, 3
EARLIEST_MINUTES = math.ceil((LATE_DATAPOINTS * PERIOD + PUBLISH_LAG) / 60)
"""Minutes of a bake before the slowest of the alarms below can fire."""

ENOUGH = 100
"""Requests that a step should see: with none failed among them, an error rate of 3 % is ruled out with 95 %."""

LONGEST_BAKE = 60
START_MINUTES = 20
TRIAL_REQUESTS = 1000
SHORTEST_TRIAL, LONGEST_TRIAL = 60, 7 * 1440
MANY = 5
WIDTH = 110


@dataclass(frozen=True)
class Answers:
    """What the owner says.

    `customers_may_see_errors`: whether a customer may be the first to meet a bad version. `compare`: whether both must
    be compared on what customers do. `requests_per_minute` of the endpoint; `instances` of its fleet; `double_fleet`:
    whether twice as many may run for the length of a rollout; `window_minutes` to finish in.
    """

    customers_may_see_errors: bool
    compare: bool
    requests_per_minute: float
    instances: int
    double_fleet: bool
    window_minutes: float


@dataclass(frozen=True)
class Value:
    """A key of `rollout` or `guardrails`, what to write, and why."""

    key: str
    text: str
    why: str


@dataclass(frozen=True)
class Choice:
    """The stage's values in the order of the file, and what the owner should know."""

    values: tuple[Value, ...]
    warnings: tuple[str, ...]


def choose(said: Answers) -> Choice:
    """The choice."""
    shift, reason = _shift(said)
    trials = _trials(said)
    strategy = ", ".join([*(name for name, _ in trials), shift])
    why = "; then ".join([*(text for _, text in trials), reason])
    bakes = _bakes(shift, said)
    size = Value("endpoint.instance_count", f"{said.instances}", "the fleet as it is")
    values = [size, Value("rollout.strategy", strategy, why), *_sections(shift, said, bakes)]
    values += [_trial(name, said) for name, _ in trials]
    final = bakes if shift == "all_at_once" else EARLIEST_MINUTES
    steps = 1 if shift in ("all_at_once", "canary") else _steps(said)
    total = bakes * steps + final + START_MINUTES * (steps if shift == "rolling" else 1)
    values += [
        Value("rollout.final_bake_minutes", f"{final}", "every alarm can still fire while the old fleet is there"),
        Value("rollout.timeout_minutes", f"{min(max(total * 2, 30), 480):g}", "twice what it should take"),
        Value(
            "guardrails.minimum_requests", f"{_evidence(said)}", "what the first step sees in its bake, at the least"
        ),
        Value("guardrails.error_rate", "{above: 0.05, datapoints: 2, of: 3}", "one bad minute is chance, two are not"),
        Value("guardrails.latency_p99", "{above_ms: 500, datapoints: 3, of: 3}", "slow starts are no regression"),
    ]
    return Choice(tuple(values), tuple(_warnings(said, shift, total, bakes)))


def _shift(said: Answers) -> tuple[str, str]:
    if said.instances == 1:
        return "all_at_once", "one instance cannot be shifted in parts"
    if not said.double_fleet:
        return "rolling", "the fleet may not be doubled, so it is replaced batch by batch"
    if said.window_minutes < 2 * EARLIEST_MINUTES + START_MINUTES:
        return "all_at_once", f"{said.window_minutes:g} minutes leave time for one bake only"
    room = said.window_minutes >= _steps(said) * EARLIEST_MINUTES + START_MINUTES
    if said.instances >= MANY and room and not said.customers_may_see_errors:
        return "linear", "a large fleet and time for many steps: each puts few more customers at risk"
    return "canary", "a part takes traffic first and is watched; then the rest follows at once"


def _trials(said: Answers) -> list[tuple[str, str]]:
    found = []
    if not said.customers_may_see_errors:
        found.append(("shadow", "no customer may be the first to meet a bad version, so it answers copies before"))
    if said.compare:
        found.append(("ab_test", "what customers do can only be compared when both versions answer them"))
    return found


def _share(said: Answers) -> float:
    """The share of the first step: a quarter of the fleet, in whole instances."""
    return max(said.instances // 4, 1) / said.instances


def _steps(said: Answers) -> int:
    return math.ceil(said.instances / max(said.instances // 4, 1))


def _bakes(shift: str, said: Answers) -> int:
    """Minutes of each bake: until the first step has seen enough, no less than the alarms need."""
    share = 1.0 if shift == "all_at_once" else _share(said)
    return max(_minutes(ENOUGH, said.requests_per_minute * share, LONGEST_BAKE), EARLIEST_MINUTES)


def _minutes(requests: int, per_minute: float, longest: int) -> int:
    """Whole minutes until there are so many requests, or the longest time there is."""
    return longest if per_minute * longest <= requests else math.ceil(requests / per_minute)


def _evidence(said: Answers) -> int:
    return min(ENOUGH, max(int(said.requests_per_minute * _share(said) * EARLIEST_MINUTES), 1))


def _sections(shift: str, said: Answers, bakes: int) -> list[Value]:
    if shift == "all_at_once":
        return []
    percent = min(max(math.ceil(_share(said) * 100), 10), 50)
    whole = f"{max(said.instances // 4, 1)} of {said.instances} instances"
    why = f"{whole} first; {bakes} minutes, so that it answers {ENOUGH} requests and every alarm can fire"
    return [Value(f"rollout.{shift}", f"{{percent: {percent}, bake_minutes: {bakes}}}", why)]


def _trial(name: str, said: Answers) -> Value:
    share = 1.0 if name == "shadow" else 0.2
    seen = said.requests_per_minute * share
    minutes = max(_minutes(TRIAL_REQUESTS, seen, LONGEST_TRIAL), SHORTEST_TRIAL)
    least = max(min(TRIAL_REQUESTS, int(seen * minutes)), 1)
    extra = "" if name == "shadow" else ", percent: 20"
    text = f"{{minutes: {minutes}, minimum_requests: {least}{extra}}}"
    return Value(f"rollout.{name}", text, f"{minutes} minutes, so that the new version answers {least} requests")


def _warnings(said: Answers, shift: str, total: float, bakes: int) -> list[str]:
    found = []
    if said.requests_per_minute * _share(said) * bakes < ENOUGH:
        found.append(
            f"{said.requests_per_minute:g} requests a minute are few: {bakes} minutes of bake see less than {ENOUGH}. "
            "A small regression will not be caught; add a smoke request (endpoint.smoke) as a check of its own."
        )
    if total > said.window_minutes:
        found.append(f"It takes about {total:g} minutes, more than the window of {said.window_minutes:g}.")
    if shift == "all_at_once" and not said.customers_may_see_errors:
        found.append("All customers meet the new version at once; only the shadow before it protects them.")
    return found


def stage_file(stage: str, choice: Choice) -> str:
    """The stage's file: every value with its reason above it; the endpoint's keys are the owner's to complete."""
    lines = [
        "# Written by `python -m deploy choose`: above each value is its reason; docs/reference.md has the limits.",
        "endpoint:",
        "  # the endpoint that callers invoke: write its name, and what it runs on",
        f"  name: {stage}",
        "  instance_type: ml.m5.large",
    ]
    section = "endpoint"
    for value in choice.values:
        parent, _, key = value.key.partition(".")
        if parent != section:
            section = parent
            lines.append(f"{section}:")
        lines += [f"  # {line}" for line in textwrap.wrap(value.why, WIDTH)] + [f"  {key}: {value.text}"]
    return "\n".join(lines) + "\n"
