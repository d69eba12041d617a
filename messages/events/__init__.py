"""What happened, told to whoever subscribes: an event belongs to the service that emits it."""
