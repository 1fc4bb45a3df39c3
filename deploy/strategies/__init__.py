"""How a new version reaches all traffic: trials that compare it, and the guarded shift that moves to it.

A strategy is a section of the stage file, `rollout.<name>`, with a file here that knows its steps, limits and requests.
To add one, write its file and its line below; docs/extend.md does it as an example. It must never call AWS.
"""

from deploy.strategies.ab_test import AbTest
from deploy.strategies.all_at_once import AllAtOnce
from deploy.strategies.canary import Canary
from deploy.strategies.linear import Linear
from deploy.strategies.rolling import Rolling
from deploy.strategies.shadow import Shadow
from deploy.strategies.shift import Problem, Shift, Step
from deploy.strategies.trial import Trial

SHIFTS: dict[str, type[Shift]] = {
    "all_at_once": AllAtOnce,
    "canary": Canary,
    "linear": Linear,
    "rolling": Rolling,
}
TRIALS: dict[str, type[Trial]] = {
    "shadow": Shadow,
    "ab_test": AbTest,
}
DEFAULT_SHIFT = "canary"
"""The shift that follows the trials when the strategy names none."""

STRATEGIES: dict[str, type[Shift] | type[Trial]] = {**SHIFTS, **TRIALS}

__all__ = ["DEFAULT_SHIFT", "SHIFTS", "STRATEGIES", "TRIALS", "Problem", "Shift", "Step", "Trial"]
