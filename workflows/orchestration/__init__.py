"""Orchestration: one workflow calls the services in turn, and undoes the steps if one fails."""
