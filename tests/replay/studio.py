"""Where histories are recorded: the product's worker and services, planned faults, and gates."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

from temporalio.client import WorkflowHandle
from temporalio.worker import Worker

from messages.ids import order_choreography_id, order_saga_id
from tests.harness.builders import an_order
from tests.harness.gates import Gate, Gates
from tests.workflows.conftest import AnyHandle, ChoreographyHandle, Handle, Shop
from worker import worker_config

HandleT = TypeVar("HandleT", bound=AnyHandle, covariant=True)


class Begin(Protocol[HandleT]):
    """Places or creates an order; ``changes`` are to its fields."""

    async def __call__(self, **changes: object) -> HandleT: ...


class Studio(NamedTuple):
    """What one scenario plays with."""

    #: The scenario's name, and its order's id.
    name: str
    shop: Shop
    gates: Gates

    def hold(self, activity: str) -> Gate:
        """Hold an activity of the order that is going to be placed."""
        return self.gates.close(order_saga_id(self.name), activity)

    def hold_reaction(self, activity: str) -> Gate:
        """Hold a reaction to an event of the order that is going to be created."""
        return self.gates.close(order_choreography_id(self.name), activity)

    async def place(self, **changes: object) -> Handle:
        """Place the scenario's order. Time passes as on a clock, as in production."""
        return await self.shop.start(an_order(self.name, **changes), skip_time=False)

    async def create(self, **changes: object) -> ChoreographyHandle:
        """Place the scenario's order among services that only tell and react."""
        return await self.shop.create(an_order(self.name, **changes))

    async def until_late(self, gate: Gate, begin: Begin[HandleT]) -> HandleT:
        """Begin an order whose deadline passes while the gate holds it, and see it to its end."""
        # On a busy machine it may not come to the gate before a short one.
        for seconds in (2, 10, 50):
            late = await begin(deadline_seconds=seconds)
            await self.shop.outcome(late)
            if gate.reached.is_set():
                break
        return late

    def worker(self, *, workflows: bool = True, activities: bool = True) -> Worker:
        """The product's worker, or half of it, with the gates before its activities."""
        config = worker_config(self.shop.env.client, self.shop.services, self.shop.settings)
        config["interceptors"] = [*config.get("interceptors", ()), self.gates]
        if not workflows:
            config["workflows"] = []
        if not activities:
            config["activities"] = []
        return Worker(**config)


Fault = Mapping[str, object]


def fault(kind: str, operation: str, **how: object) -> Fault:
    """A rule of a fault plan; for every call unless ``how`` says otherwise."""
    return {"operations": [operation], "kind": kind, **(how or {"rate": 1.0})}


SHIPPING_REFUSED = fault("refusal", "prepare_shipping")
REFUND_FAILS_ONCE = fault("permanent", "refund_payment", count=1)


#: Returns the run whose history is kept.
Play = Callable[[Studio], Awaitable[AnyHandle | WorkflowHandle[Any, Any]]]


class Scenario(NamedTuple):
    """One kind of run."""

    name: str
    #: Its workflow type.
    workflow: str
    #: How the run is closed in Temporal's words; RUNNING when it is still open.
    ends: str
    faults: tuple[Fault, ...]
    play: Play
    #: False when the scenario starts its workers itself.
    worker: bool = True
    #: False when its events may come in another order each time, as what several others tell.
    orderly: bool = True
    #: True when it looks at every order there is, and so needs a world of its own.
    alone: bool = False
