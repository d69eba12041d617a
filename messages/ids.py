"""Ids of sagas, events, deliveries and operations."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

if TYPE_CHECKING:
    from messages.runs import RunRef


def order_saga_id(order_id: str) -> str:
    """Return the workflow id of the orchestrated saga of an order."""
    return f"order_saga_{order_id}"


def order_choreography_id(order_id: str) -> str:
    """Return the workflow id of an order's choreographed saga, also its correlation id."""
    return f"saga_{order_id}"


def order_of_choreography(correlation_id: str) -> str:
    """Return the order id of a choreographed saga: the inverse of :func:`order_choreography_id`."""
    return correlation_id.removeprefix(order_choreography_id(""))


def event_id(correlation_id: str, saga_run_id: str, event_type: str) -> str:
    """Return the id of an event.

    Each event happens once in a saga. So a service that publishes it a second time, because it
    does not know that it already did, uses the same id.
    """
    return f"{correlation_id}/{saga_run_id}/{event_type}"


_DELIVERY = "delivery"
#: The second form is ``delivery-<variant>/…``, for when another workflow has the first id.
_DELIVERY_IDS = (f"{_DELIVERY}/", f"{_DELIVERY}-")


def delivery_id(event: str, subscriber: str, variant: str = "") -> str:
    """Return the workflow id of the delivery of an event to a subscriber.

    The prefix makes it different from the ids of orders and leftovers, whatever an order id
    contains.
    """
    prefix = f"{_DELIVERY}-{variant}" if variant else _DELIVERY
    return f"{prefix}/{old_delivery_id(event, subscriber)}"


def old_delivery_id(event: str, subscriber: str) -> str:
    """Return the id of a delivery in earlier versions; an order's workflow may have the same id."""
    return f"{event}/{subscriber}"


def is_delivery_id(workflow_id: str) -> bool:
    """Tell whether an id was made by :func:`delivery_id`."""
    return workflow_id.startswith(_DELIVERY_IDS)


def delivery_parts(workflow_id: str) -> tuple[str, str, str, str] | None:
    """Return correlation id, run id, event type and subscriber; None if the id has other parts."""
    name = workflow_id.split("/", 1)[-1] if is_delivery_id(workflow_id) else workflow_id
    # Split from the right: a correlation id may contain slashes, the other parts never do.
    parts = name.rsplit("/", 3)
    return (parts[0], parts[1], parts[2], parts[3]) if len(parts) == 4 else None


_LEFTOVER = "leftover"


def leftover_id(run: RunRef) -> str:
    """Return the id of the workflow that undoes a run's leftovers."""
    return f"{_LEFTOVER}/{run.saga_id}/{run.run_id}"


def saga_of(workflow_id: str) -> str | None:
    """Return the id of the saga that a run belongs to, by its workflow id; None if to none."""
    parts = delivery_parts(workflow_id) if is_delivery_id(workflow_id) else None
    if parts is not None:
        return parts[0]
    if workflow_id.startswith(f"{_LEFTOVER}/"):
        return workflow_id.split("/", 1)[1].rsplit("/", 1)[0]
    is_saga = workflow_id.startswith((order_saga_id(""), order_choreography_id("")))
    return workflow_id if is_saga else None


class OperationId(NamedTuple):
    """Operation of one run of one saga, as its idempotency key names it."""

    #: Workflow id of the saga, orchestrated or choreographed.
    saga_id: str
    #: First run id of the saga's chain. A failed order that is placed again gets a new one, and
    #: so new keys. A reset keeps it, and so keeps the keys.
    run_id: str
    #: Name of the step. Its action and its compensation have the same key.
    step: str

    def __str__(self) -> str:
        return f"{self.saga_id}/{self.run_id}/{self.step}"

    @classmethod
    def parse(cls, key: str) -> OperationId:
        """Parse an idempotency key.

        Raises:
            ValueError: the key was not made by :meth:`__str__`.
        """
        # Split from the right: a saga id may contain slashes, the other two parts never do.
        parts = key.rsplit("/", 2)
        if len(parts) != 3:
            raise ValueError(f"not an idempotency key of a saga: {key!r}")
        return cls(*parts)


def begun_at(run_id: str) -> datetime | None:
    """Return when Temporal made a run's id, by its own clock; None if the id does not tell.

    Ids of runs are UUIDs of version 7, which begin with the milliseconds since 1970 (RFC 9562,
    section 5.7). Those of older servers are random.
    """
    try:
        given = UUID(run_id)
    except ValueError:
        return None
    return (
        datetime.fromtimestamp((given.int >> 80) / 1000, timezone.utc)
        if given.version == 7
        else None
    )
