"""Events, published to all subscribers; each belongs to the service that emits it."""
