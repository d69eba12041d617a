"""Activities of a service, made from its port."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Protocol, cast

from activities.deliveries import Reaction
from messages.participants import BY_SERVICE, PARTICIPANTS

#: Bound method of an activity. Its workflow knows the types of its arguments and result.
Activity = Callable[..., object]


class _Module(Protocol):
    """Interface of the modules ``activities/<service>.py``."""

    @staticmethod
    def HOST(port: object, /) -> object:
        """Create the object with the service's activities, which use its port."""


def service_activities(service: str, port: object) -> list[Activity]:
    """Return the activities of a service: steps of a saga, and reactions to events."""
    host = cast("_Module", import_module(f"activities.{service}")).HOST(port)
    return [getattr(host, activity) for activity in BY_SERVICE[service].activities]


def reactions(activities: Sequence[Activity]) -> dict[str, Reaction]:
    """Return the reactions among the activities of services, by name."""
    names = {name for participant in PARTICIPANTS for name in participant.reactions}
    return {each.__name__: cast("Reaction", each) for each in activities if each.__name__ in names}
