"""What the parts of the system say to each other: frozen models, no I/O, no Temporal."""
