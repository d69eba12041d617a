"""The saga's hands: each takes a message to a service and brings back the answer."""
