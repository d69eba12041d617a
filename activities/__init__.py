"""Activities: each passes a message to a service or to Temporal, and returns the answer."""
