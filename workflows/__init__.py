"""The sagas, as Temporal workflows."""
