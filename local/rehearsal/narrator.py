"""Tells a rehearsal in the terminal: a line for what happened, and one live line for what is happening.

On a terminal the live line is rewritten in place; elsewhere it is left out. When nobody can read it any more, the
rehearsal cannot go on. It must never compute what it tells.
"""

import shutil
import sys
import time
from collections.abc import Mapping
from typing import TextIO

from local.rehearsal.problems import RehearsalError
from local.rehearsal.watch import Look, Seen

BLOCKS = 10
ALARM_WORDS = {"ALARM": "ALARM", "INSUFFICIENT_DATA": "no data"}
CLEAR = "\r\x1b[K"


class Narrator:
    """Writes to a text stream. `told` keeps what was told, without the live lines."""

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self.told: list[str] = []
        self._stream = stream
        self._terminal = stream.isatty()
        self._live = False
        self._shown_at = 0.0

    def title(self, text: str) -> None:
        """The rehearsal's own headline."""
        self._write("\n", text, "\n")

    def act(self, number: int, title: str, tells: str) -> None:
        """A new act begins."""
        self._write("\n", f"{number}. {title}", f"\n   {tells}\n")

    def say(self, text: str, *, good: bool | None = None) -> None:
        """Something happened; good or bad where it is one of them."""
        mark = {True: "✔", False: "✖", None: "·"}[good]
        self._write(f"   {mark} {text}\n")

    def working(self, text: str) -> None:
        """Something is under way; replaced by whatever is told next."""
        self._show(f"   … {text}")

    def looking(self, stage: str, seen: Seen, look: Look) -> None:
        """The live line of a rollout."""
        self._show(f"   … {rollout_line(stage, seen, look)}")

    def _show(self, text: str) -> None:
        now = time.monotonic()
        if not self._terminal or (self._live and now - self._shown_at < 0.1):
            return
        width = shutil.get_terminal_size().columns
        self._put(CLEAR + text[: width - 1])
        self._live, self._shown_at = True, now

    def _write(self, text: str, bold: str = "", after: str = "") -> None:
        shown = f"\x1b[1m{bold}\x1b[0m" if bold and self._terminal else bold
        self._put((CLEAR if self._live else "") + text + shown + after)
        self._live = False
        self.told.append(text + bold + after)

    def _put(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            raise RehearsalError(f"its output cannot be written: {error.strerror}") from error


def rollout_line(stage: str, seen: Seen, look: Look) -> str:
    """A rollout in one line: minutes of the AWS clock, phase, the new fleet's share, errors, latency and alarms."""
    minutes, seconds = divmod(int(look.at - seen.started), 60)
    filled = round((look.share or 0) * BLOCKS)
    parts = [
        f"{stage} {minutes:02d}:{seconds:02d}",
        f"{look.phase or look.status:<17}",
        f"new fleet {'█' * filled}{'░' * (BLOCKS - filled)} {_percent(look.share)}",
        f"errors {_percent(look.error_rate)}",
        f"p99 {'-' if look.p99 is None else f'{look.p99:.0f} ms'}",
        _alarms(look.alarms),
    ]
    return "  ".join(parts)


def _alarms(states: Mapping[str, str]) -> str:
    """Those that are not OK by name; the others are counted."""
    told = [f"{name} {ALARM_WORDS[state]}" for name, state in sorted(states.items()) if state in ALARM_WORDS]
    well = len(states) - len(told)
    return "  ".join([*told, *([f"{well} alarm{'s' if well > 1 else ''} ok"] if well else [])])


def _percent(value: float | None) -> str:
    return "  -" if value is None else f"{value:3.0%}"
