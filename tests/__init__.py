"""unit: no I/O beyond the machine's own; functional: against `local/`; docs: what is written is true."""
