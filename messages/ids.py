"""Names of orders, sagas and operations."""

from __future__ import annotations

from typing import NamedTuple

from messages.runs import RunRef


def order_saga_id(order_id: str) -> str:
    """Return the workflow id of the orchestrated saga of an order."""
    return f"order_saga_{order_id}"


def order_choreography_id(order_id: str) -> str:
    """Return the workflow id of an order's choreographed saga: its events' correlation id."""
    return f"saga_{order_id}"


def order_of_choreography(correlation_id: str) -> str:
    """:func:`order_choreography_id` backwards."""
    return correlation_id.removeprefix(order_choreography_id(""))


def event_id(correlation_id: str, saga_run_id: str, event_type: str) -> str:
    """Return the id of an event.

    In one saga each thing happens once. So whoever tells of it again, because it does not
    know that it did already, tells of it under the same id.
    """
    return f"{correlation_id}/{saga_run_id}/{event_type}"


_DELIVERY = "delivery"
#: Where that is taken by something else, ``delivery-<what makes it another one>/…`` is not.
_DELIVERY_IDS = (f"{_DELIVERY}/", f"{_DELIVERY}-")


def delivery_id(event: str, subscriber: str, variant: str = "") -> str:
    """Return the workflow id of the delivery of an event to a subscriber.

    No order and no leftover is called like that, whatever its order's id contains.
    """
    prefix = f"{_DELIVERY}-{variant}" if variant else _DELIVERY
    return f"{prefix}/{old_delivery_id(event, subscriber)}"


def old_delivery_id(event: str, subscriber: str) -> str:
    """Return the id that it once had: some order's workflow may be called like that, too."""
    return f"{event}/{subscriber}"


def is_delivery_id(workflow_id: str) -> bool:
    """Tell whether an id was made by :func:`delivery_id`."""
    return workflow_id.startswith(_DELIVERY_IDS)


def delivery_parts(workflow_id: str) -> tuple[str, str, str, str] | None:
    """Correlation id, run id, type of the event, and subscriber; None when it has no such parts."""
    name = workflow_id.split("/", 1)[-1] if is_delivery_id(workflow_id) else workflow_id
    # From the right: a correlation id may itself contain slashes, the others never do.
    parts = name.rsplit("/", 3)
    return (parts[0], parts[1], parts[2], parts[3]) if len(parts) == 4 else None


def leftover_id(run: RunRef) -> str:
    """Return the workflow id under which a run's leftovers are undone."""
    return f"leftover/{run.saga_id}/{run.run_id}"


class OperationId(NamedTuple):
    """One operation of one run of one saga: what an idempotency key stands for."""

    #: Workflow id of the saga, orchestrated or choreographed.
    saga_id: str
    #: First run id of the saga's execution chain. A failed order that is placed again has
    #: another one, and so fresh keys; a reset keeps it, and so keeps its keys.
    run_id: str
    #: Name of the saga's step; its action and its compensation share the key.
    step: str

    def __str__(self) -> str:
        return f"{self.saga_id}/{self.run_id}/{self.step}"

    @classmethod
    def parse(cls, key: str) -> OperationId:
        """Read an idempotency key back.

        Raises:
            ValueError: the key was not made by :meth:`__str__`.
        """
        # From the right: a saga id may itself contain slashes, the other two never do.
        parts = key.rsplit("/", 2)
        if len(parts) != 3:
            raise ValueError(f"not an idempotency key of a saga: {key!r}")
        return cls(*parts)
