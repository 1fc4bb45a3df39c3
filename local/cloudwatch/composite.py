"""The rule of a composite alarm: ALARM(), OK(), INSUFFICIENT_DATA(), AND, OR, NOT, TRUE, FALSE. Pure.

Source: the API reference of PutCompositeAlarm. It must never know how an alarm gets its state.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from local.cloudwatch.definition import invalid

States = Callable[[str], str]
"""The state of an alarm by its name."""

Condition = Callable[[States], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"(?P<double>[^"]+)"|'(?P<single>[^']+)'|(?P<bare>[^()"'\s]+))\s*\)
    |(?P<word>AND|OR|NOT|TRUE|FALSE)\b
    |(?P<sign>[()]))""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class AlarmRule:
    """A rule that can be read: when it holds, the composite alarm is in ALARM. `alarms`: the names it looks at."""

    holds: Condition
    alarms: tuple[str, ...]


def parse(rule: str) -> AlarmRule:
    """Raises AwsError ValidationError that says where the rule cannot be read."""
    parser = _Parser(rule)
    try:
        return parser.whole()
    except RecursionError:
        raise invalid("AlarmRule is nested too deeply.") from None


class _Parser:
    def __init__(self, rule: str) -> None:
        self._rule = rule.rstrip()
        self._position = 0
        self._alarms: dict[str, None] = {}

    def whole(self) -> AlarmRule:
        holds = self._any()
        if self._position < len(self._rule):
            raise self._unexpected()
        return AlarmRule(holds, tuple(self._alarms))

    def _any(self) -> Condition:
        parts = [self._all()]
        while self._took("OR"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else lambda states: any(part(states) for part in parts)

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._took("AND"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda states: all(part(states) for part in parts)

    def _one(self) -> Condition:
        if self._took("NOT"):
            part = self._one()
            return lambda states: not part(states)
        if self._took("("):
            part = self._any()
            if not self._took(")"):
                raise self._unexpected()
            return part
        for word, value in (("TRUE", True), ("FALSE", False)):
            if self._took(word):
                return lambda states: value
        return self._alarm()

    def _alarm(self) -> Condition:
        match = _TOKEN.match(self._rule, self._position)
        if match is None or not match["state"]:
            raise self._unexpected()
        self._position = match.end()
        state, name = match["state"], _name(match["double"] or match["single"] or match["bare"])
        self._alarms[name] = None
        return lambda states: states(name) == state

    def _took(self, token: str) -> bool:
        match = _TOKEN.match(self._rule, self._position)
        if match is None or token not in (match["word"], match["sign"]):
            return False
        self._position = match.end()
        return True

    def _unexpected(self) -> Exception:
        rest = self._rule[self._position :].strip()
        return invalid(f"AlarmRule cannot be read at '{rest[:40] or 'its end'}'.")


def _name(alarm: str) -> str:
    """The name of an alarm that a rule gives by name or by ARN."""
    return alarm.split(":alarm:", 1)[1] if alarm.startswith("arn:") and ":alarm:" in alarm else alarm
