"""The two modes, orchestration and choreography, and the names that belong to each."""

from __future__ import annotations

from enum import Enum

from messages import wire
from messages.ids import order_choreography_id, order_saga_id


class Mode(str, Enum):
    """Kind of saga: orchestrated or choreographed."""

    ORCHESTRATION = "orchestration"  #: one workflow calls the services, one after the other
    CHOREOGRAPHY = "choreography"  #: each service reacts to events of the others

    @property
    def workflow(self) -> str:
        """Workflow type of an order."""
        return wire.ORDER_SAGA if self is Mode.ORCHESTRATION else wire.ORDER_CHOREOGRAPHY

    def saga_id(self, order_id: str) -> str:
        """Return the workflow id of an order."""
        if self is Mode.ORCHESTRATION:
            return order_saga_id(order_id)
        return order_choreography_id(order_id)

    def order_id(self, saga_id: str) -> str:
        """Return the order id of a workflow id; the inverse of :meth:`saga_id`."""
        return saga_id.removeprefix(self.saga_id(""))

    @property
    def options(self) -> tuple[str, ...]:
        """Options that select this mode on the command line."""
        return () if self is Mode.ORCHESTRATION else ("--mode", self.value)


def mode_of(workflow_type: str) -> Mode:
    """Return the mode that a workflow type belongs to."""
    return Mode.CHOREOGRAPHY if workflow_type == Mode.CHOREOGRAPHY.workflow else Mode.ORCHESTRATION
