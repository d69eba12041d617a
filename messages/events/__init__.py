"""Events, told to whoever subscribes; each belongs to the service that emits it."""
