"""Messages between the parts of the system: immutable models, without I/O and Temporal."""
