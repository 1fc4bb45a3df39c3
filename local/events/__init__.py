"""EventBridge for what this stand-in announces: a queue of events in front of the rules that people made in moto."""

from local.events.bus import Emit, Events
from local.events.clockwork import Clockwork
from local.events.rules import scheduled

__all__ = ["Clockwork", "Emit", "Events", "scheduled"]
