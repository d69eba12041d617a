"""Messages between the parts of the system: frozen models, no I/O, no Temporal."""
