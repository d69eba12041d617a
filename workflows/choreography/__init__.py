"""Choreography: services emit events and react to the events of others, without a coordinator."""
