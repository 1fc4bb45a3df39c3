"""Against `local/`, as its users start it."""
