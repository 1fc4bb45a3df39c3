"""The commands. Arguments in, text or JSON out, an exit code.

Exit codes: 0 created or promoted (rollback: rolled back), 1 error, 2 usage or policy, 3 rolled back, 4 inconclusive,
held or still under way, 130 interrupted. The result goes to stdout, progress and errors to stderr.
"""

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from botocore.exceptions import BotoCoreError, ClientError

from deploy import arguments, hand, interview, observe, preflight, rollback, rollback_now, rollout, stage_files
from deploy.aws import Aws, connect
from deploy.clock import AwsClock, Clock, speed
from deploy.decision import EXIT_CODES, Decision, Outcome
from deploy.errors import DeployError, explain
from deploy.execute import POLL
from deploy.names import check_package_arn
from deploy.observe import Observation
from deploy.plan import make_plan
from deploy.policy import Policy
from deploy.views import live, page
from deploy.views import status as standing
from deploy.views.screen import Screen
from deploy.views.tree import tree

Result = tuple[dict[str, Any], str, int]
"""What a command comes to: for programs, for people, its exit code."""

INTERRUPTED = 130
INTERRUPTION = "Interrupted. A rollout that has begun goes on in SageMaker, guarded; run apply again to watch it."


@dataclass(frozen=True)
class World:
    """What the commands are given from outside; `ask` puts a question to a person, None when there is none."""

    environ: Mapping[str, str]
    stages: Path
    connect: Callable[[], tuple[Aws, Clock]]
    out: TextIO
    err: TextIO
    ask: Callable[[str], str] | None = None


def real_world() -> World:
    """This machine's environment, and the AWS that it points to."""

    def dial() -> tuple[Aws, Clock]:
        clock = AwsClock(speed(os.environ.get("AWS_CLOCK_SPEED")))
        return connect(clock), clock

    return World(os.environ, stage_files.STAGES, dial, sys.stdout, sys.stderr, input if sys.stdin.isatty() else None)


def main(words: Sequence[str], world: World | None = None) -> int:
    """Run one command; its exit code."""
    world = world or real_world()
    options = parser().parse_args(words)
    try:
        result, text, code = _run(world, options)
    except DeployError as error:
        return _fail(world, options, str(error), error.exit_code)
    except (ClientError, BotoCoreError) as error:
        return _fail(world, options, explain(error), 1)
    except KeyboardInterrupt:
        return _fail(world, options, INTERRUPTION, INTERRUPTED)
    print(json.dumps(result, indent=2, default=str) if options.json else text, file=world.out)
    return int(code)


def _run(world: World, options: argparse.Namespace) -> Result:
    if options.run == _choose:
        return _choose(world, options)
    if getattr(options, "model_package", None):
        check_package_arn(options.model_package)
    policy = stage_files.load(options.stage, options.set, world.environ, world.stages)
    if getattr(options, "latest_approved", None):
        options.model_package = observe.latest_approved(world.connect()[0], options.latest_approved)
        if options.model_package is None:
            return _done(policy, "nothing", f"No version of {options.latest_approved} is approved yet: nothing to do.")
    ran: Result = options.run(world, policy, options)
    return ran


def parser() -> argparse.ArgumentParser:
    """The command line."""
    return arguments.parser(
        {
            "plan": _plan,
            "apply": _apply,
            "status": _status,
            "watch": _watch,
            "rollback": _rollback,
            "pause": _pause,
            "resume": _resume,
            "abort": _abort,
            "promote": _promote,
            "choose": _choose,
        }
    )


def _plan(world: World, policy: Policy, options: argparse.Namespace) -> Result:
    aws, clock = world.connect()
    seen = rollout.look(aws, clock, policy, options.model_package)
    plan = make_plan(policy, seen)
    findings = preflight.findings(policy, plan, seen)
    result = {
        "stage": policy.stage,
        "policy_hash": policy.digest,
        "model_package_arn": seen.package.arn,
        "endpoint": policy.endpoint.name,
        "endpoint_config": plan.name,
        "previous_config": plan.previous or None,
        "findings": findings,
        "trials": [
            {"name": planned.name, "minutes": planned.trial.minutes, "told": planned.trial.told()}
            for planned in plan.trials
        ],
        "steps": [dataclasses.asdict(step) | {"share": step.share} for step in plan.steps],
        "requests": [
            {"service": call.service, "operation": call.operation, "parameters": call.parameters} for call in plan.calls
        ],
    }
    return result, page.plan_page(policy, plan, seen, findings), 0


def _apply(world: World, policy: Policy, options: argparse.Namespace) -> Result:
    aws, clock = world.connect()
    patience = options.wait_minutes * arguments.MINUTE
    return _rolled(policy, *rollout.apply(aws, clock, policy, options.model_package, _teller(world, clock), patience))


def _rolled(policy: Policy, seen: Observation, decision: Decision) -> Result:
    result = _outcome(policy, decision) | {
        "model_package_arn": seen.package.arn,
        "endpoint": policy.endpoint.name,
        "endpoint_config": seen.name,
        "serves": seen.endpoint.config if seen.endpoint else None,
        "requests": seen.requests,
        "alarms": [dataclasses.asdict(alarm) for alarm in seen.alarms],
    }
    assert decision.outcome is not None
    return result, _text(policy, decision), EXIT_CODES[decision.outcome]


def _choose(world: World, options: argparse.Namespace) -> Result:
    result, text = interview.write(options, world.stages, world.ask)
    return result, text, 0


def _pause(world: World, policy: Policy, options: argparse.Namespace) -> Result:
    return _done(policy, "paused", hand.pause(world.connect()[0], policy, options.reason))


def _resume(world: World, policy: Policy, _: argparse.Namespace) -> Result:
    return _done(policy, "resumed", hand.resume(world.connect()[0], policy))


def _done(policy: Policy, outcome: str, text: str) -> Result:
    return {"stage": policy.stage, "outcome": outcome, "reasons": [text]}, text, 0


def _abort(world: World, policy: Policy, options: argparse.Namespace) -> Result:
    aws, clock = world.connect()
    seen, decision = hand.abort(aws, clock, policy, options.reason, _teller(world, clock))
    result, text, _ = _rolled(policy, seen, decision)
    return result, text, 0 if decision.outcome is Outcome.ROLLED_BACK else 1


def _promote(world: World, policy: Policy, options: argparse.Namespace) -> Result:
    aws, clock = world.connect()
    return _rolled(policy, *hand.promote(aws, clock, policy, options.reason, _teller(world, clock)))


def _rollback(world: World, policy: Policy, options: argparse.Namespace) -> Result:
    aws, clock = world.connect()
    way = rollback_now.roll_back if options.now else rollback.roll_back
    decision = way(aws, clock, policy, _teller(world, clock))
    code = 0 if decision.outcome is Outcome.ROLLED_BACK else 1
    return _outcome(policy, decision) | {"endpoint": policy.endpoint.name}, _text(policy, decision), code


def _status(world: World, policy: Policy, _: argparse.Namespace) -> Result:
    aws, _clock = world.connect()
    return _standing(policy, standing.look(aws, policy))


def _watch(world: World, policy: Policy, _: argparse.Namespace) -> Result:
    aws, clock = world.connect()
    screen = Screen(world.err)
    while True:
        view = standing.look(aws, policy)
        result, text, code = _standing(policy, view)
        if result["outcome"] != Outcome.IN_PROGRESS:
            return result, text, code
        now = clock.now()
        screen.show(tree(policy, view, standing.judge(policy, view), live.look(aws, policy, view, now), now))
        clock.wait(POLL)


def _standing(policy: Policy, view: standing.View) -> Result:
    status = standing.judge(policy, view)
    result = {"stage": policy.stage, "outcome": status.outcome, "reasons": status.reasons} | dataclasses.asdict(view)
    return result, page.status_page(policy, view, status), EXIT_CODES[status.outcome]


def _teller(world: World, clock: Clock) -> Callable[[Any, Decision], None]:
    """Says on stderr what is done, when it differs from what was said last; the outcome is for stdout."""
    said: list[tuple[str, ...]] = []

    def tell(seen: Any, decision: Decision) -> None:
        if decision.outcome:
            return
        lines = decision.reasons + tuple(f"{a.name}: ALARM" for a in seen.alarms if a.state == "ALARM")
        if said[-1:] != [lines]:
            said.append(lines)
            print(f"{clock.now():%H:%M:%S} {'; '.join(lines)}", file=world.err, flush=True)

    return tell


def _outcome(policy: Policy, decision: Decision) -> dict[str, Any]:
    strategy = policy.rollout.strategy
    return {
        "stage": policy.stage,
        "strategy": strategy,
        "outcome": decision.outcome,
        "reasons": list(decision.reasons),
    }


def _text(policy: Policy, decision: Decision) -> str:
    return "\n".join([f"{policy.stage}: {decision.outcome}", *(f"  {reason}" for reason in decision.reasons)])


def _fail(world: World, options: argparse.Namespace, message: str, code: int) -> int:
    print(message, file=world.err)
    if options.json:
        print(json.dumps({"stage": options.stage, "outcome": "error", "reasons": message.split("\n")}), file=world.out)
    return code
