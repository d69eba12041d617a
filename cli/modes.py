"""The two ways in which the services are brought together, and what each is called."""

from __future__ import annotations

from enum import Enum

from messages import wire
from messages.ids import order_choreography_id, order_saga_id


class Mode(str, Enum):
    """How the services are brought together."""

    ORCHESTRATION = "orchestration"  #: the saga's workflow calls one service after the other
    CHOREOGRAPHY = "choreography"  #: each service reacts to what the others tell

    @property
    def workflow(self) -> str:
        """The workflow type of an order."""
        return wire.ORDER_SAGA if self is Mode.ORCHESTRATION else wire.ORDER_CHOREOGRAPHY

    def saga_id(self, order_id: str) -> str:
        """The workflow id of an order."""
        if self is Mode.ORCHESTRATION:
            return order_saga_id(order_id)
        return order_choreography_id(order_id)

    def order_id(self, saga_id: str) -> str:
        """The order of a workflow id: :meth:`saga_id` backwards."""
        return saga_id.removeprefix(self.saga_id(""))

    @property
    def options(self) -> tuple[str, ...]:
        """What a command line of ours has to say for this mode."""
        return () if self is Mode.ORCHESTRATION else ("--mode", self.value)


def mode_of(workflow_type: str) -> Mode:
    """The mode of an order's workflow."""
    return Mode.CHOREOGRAPHY if workflow_type == Mode.CHOREOGRAPHY.workflow else Mode.ORCHESTRATION
