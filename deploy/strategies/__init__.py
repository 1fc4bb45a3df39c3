"""How traffic moves to a new version: a file for each strategy, and the one list of them.

A strategy is a section of the stage file, `rollout.<name>`, that knows its own steps, limits and requests. To add one,
write its file and its line here; docs/extend.md does it as an example. It must never call AWS.
"""

from deploy.strategies.all_at_once import AllAtOnce
from deploy.strategies.canary import Canary
from deploy.strategies.linear import Linear
from deploy.strategies.rolling import Rolling
from deploy.strategies.shift import Problem, Shift, Step

SHIFTS: dict[str, type[Shift]] = {
    "all_at_once": AllAtOnce,
    "canary": Canary,
    "linear": Linear,
    "rolling": Rolling,
}

__all__ = ["SHIFTS", "Problem", "Shift", "Step"]
