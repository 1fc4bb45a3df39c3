"""Faults: what can go wrong, by name, for any test or rehearsal. One registry, one file for each place it goes wrong.

A fault is a line of text (`errors:0.3`), put in force with `Faults.put` or PUT /_rehearsal/fault. Every module here
loads in milliseconds, because each container's process makes its own. It must never import a service.
"""

from local.faults import answers, api, events, hosting, jobs, predictions, processes, traffic  # noqa: F401 - each enters its faults in the registry
from local.faults.active import Active, Faults
from local.faults.fault import REGISTRY, Fault, FaultError, parse, parse_all

SCOPES = ("container", "hosting", "traffic", "api", "jobs", "events")

__all__ = ["REGISTRY", "SCOPES", "Active", "Fault", "FaultError", "Faults", "parse", "parse_all"]
