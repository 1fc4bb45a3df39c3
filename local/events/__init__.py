"""EventBridge for what this stand-in announces: a queue of events in front of the rules that people made in moto."""

from local.events.bus import Emit, Events

__all__ = ["Emit", "Events"]
