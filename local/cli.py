"""`python -m local`: SageMaker on this machine, what is wrong with it, or one rehearsal on it.

It parses, starts, prints and chooses an exit code; it must never know what a rehearsal does. What a command needs is
imported inside it, so that `--help` and wrong input are answered at once.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import shlex
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from local.errors import CannotStartError
from local.rehearsal.problems import RehearsalError
from local.unverified import Unverified, assume

DEFAULT_PORT = 4566
INTERRUPTED = 130
ENDED = "\nInterrupted; every process of it has ended."
DEFAULT_STORY = Path(__file__).parent / "rehearsal" / "default.yaml"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code: 0 done or as expected, 1 failed, 2 not understood, 130 interrupted."""
    try:
        _leave_aws()
        logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
        options = parser().parse_args(arguments)
        return asyncio.run(_until_signalled(options.command(options)))
    except RehearsalError as error:
        _say(f"python -m local: {error}")
        return error.exit_code
    except CannotStartError as error:
        _say(f"python -m local: {error}")
        return 1
    except (asyncio.CancelledError, KeyboardInterrupt):
        _say(ENDED)
        return INTERRUPTED
    except BrokenPipeError:
        return 1
    finally:
        _flush()


def _say(text: str) -> None:
    """To the person, if the terminal is still there."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def _flush() -> None:
    """Write out what was printed; when nobody reads it any more, it must not fail again while Python ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _leave_aws() -> None:
    """Forget any profile, endpoint or key of real AWS: nothing that is started from here may be led there."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]


async def _until_signalled(work: Coroutine[Any, Any, int]) -> int:
    """The work, cancelled by Ctrl-C, SIGTERM or a closed terminal so that it can end its processes.

    A second signal does not wait for that: whatever was started ends with this process.
    """
    task = asyncio.ensure_future(work)

    def end() -> None:
        if task.cancelling() or task.done():
            _say(ENDED)
            os._exit(INTERRUPTED)
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
            loop.add_signal_handler(number, end)
    return await task


async def _up(options: argparse.Namespace) -> int:
    from local.server import running

    unverified = _assumed(options)
    async with running(
        options.state,
        port=options.port,
        speed=options.speed,
        seed=options.seed,
        unverified=unverified,
        duplicate_events=int(options.duplicate_events),
    ) as local:
        for name, value in local.context.job_environment().items():
            print(f"export {name}={shlex.quote(value)}")
        print(f"# SageMaker is up on {local.url}, clock x {options.speed:g}. Ctrl-C ends it.", flush=True)
        await asyncio.Event().wait()
    return 0


def _assumed(options: argparse.Namespace) -> Unverified:
    try:
        return assume(options.assume)
    except ValueError as error:
        raise RehearsalError(f"--assume: {error}", exit_code=2) from error


async def _rehearse(options: argparse.Namespace) -> int:
    from local.rehearsal.run import rehearse
    from local.rehearsal.wishes import Wishes

    wishes = Wishes(
        story=options.story,
        out=options.out,
        speed=options.speed,
        seed=options.seed,
        fault=options.fault,
        expect=options.expect,
        strategy=options.strategy,
        settings=tuple(options.set),
        unverified=_assumed(options),
    )
    return await rehearse(wishes)


async def _fault(options: argparse.Namespace) -> int:
    from local.faults import FaultError, parse
    from local.faults.client import ask, line

    try:
        given = [{"fault": str(parse(text)), "target": options.on} for text in options.fault]
        if options.end:
            wanted = [{name: value for name, value in item.items() if value} for item in given]
            for query in wanted or [{"target": options.on} if options.on else {}]:
                shown = await ask(options.port, "DELETE", query=query)
        else:
            shown = await ask(options.port, "PUT", given)
    except FaultError as error:
        raise RehearsalError(str(error), exit_code=2) from error
    print("\n".join(map(line, shown)) or "nothing is wrong")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m local", description="SageMaker on this machine.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    text = "SageMaker on this machine until Ctrl-C; prints the exports for any AWS client"
    up = commands.add_parser("up", help=text, description=text)
    up.set_defaults(command=_up)
    up.add_argument("--port", type=_port, default=DEFAULT_PORT, help="0 takes any free port (default: %(default)s)")
    up.add_argument("--speed", type=_speed, default=1.0, help="how fast AWS's clock runs (default: 1, real time)")
    up.add_argument("--seed", type=int, help="of routing and names (default: another one each time)")
    up.add_argument("--state", type=Path, metavar="DIR", help="folder of its files (default: a temporary one)")
    up.add_argument("--duplicate-events", action="store_true", help="deliver every event twice, as AWS may")
    _add_assume(up)

    text = "what is wrong with a stand-in that is up: list it, set more, or end it"
    fault = commands.add_parser("fault", help=text, description=text)
    fault.set_defaults(command=_fault)
    fault.add_argument("fault", nargs="*", metavar="FAULT", help="such as errors:0.3; none: only list them")
    on = "whom: a model package, an endpoint or an access key, by the fault's scope (default: everybody)"
    fault.add_argument("--on", metavar="TARGET", help=on)
    fault.add_argument("--end", action="store_true", help="end these, or all, instead of beginning them")
    fault.add_argument("--port", type=_port, default=DEFAULT_PORT, help="of the stand-in (default: %(default)s)")

    text = "one rehearsal of the release loop; exit 0 when it went as the story tells"
    rehearsal = commands.add_parser("rehearse", help=text, description=text)
    rehearsal.set_defaults(command=_rehearse)
    rehearsal.add_argument(
        "--story", type=Path, default=DEFAULT_STORY, metavar="FILE", help="the story (default: the loop)"
    )
    rehearsal.add_argument("--strategy", help="the rollout strategy, in place of the stage files'")
    text = "what is wrong with the last release: errors:0.3, several with commas between them, or none"
    rehearsal.add_argument("--fault", help=f"{text} (docs/reference.md lists them)")
    outcomes = ["promoted", "rolled_back", "inconclusive", "failed", "untouched"]
    rehearsal.add_argument("--expect", choices=outcomes, help="how it should end with --fault (default: by the fault)")
    rehearsal.add_argument(
        "--seed", type=int, default=2013, help="of the traffic and its routing (default: %(default)s)"
    )
    rehearsal.add_argument("--speed", type=_speed, help="how fast AWS's clock runs (default: the story's)")
    rehearsal.add_argument(
        "--out",
        type=Path,
        default=Path("build/rehearsal"),
        metavar="DIR",
        help="for the reports (default: %(default)s)",
    )
    rehearsal.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override a key of the stages' policies"
    )
    _add_assume(rehearsal)
    return top


def _add_assume(command: argparse.ArgumentParser) -> None:
    text = "how AWS behaves where it does not say (docs/fidelity.md lists the switches)"
    command.add_argument("--assume", action="append", default=[], metavar="NAME=READING", help=text)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 65535")
    return port


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1000")
    return speed
