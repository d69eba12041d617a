"""Order and number of the events that an order hears: neither changes what it makes of them."""

from __future__ import annotations

import random

import pytest
from temporalio.service import RPCError, RPCStatusCode

from cli.modes import Mode
from messages.events.base import OrderEvent
from messages.ids import order_choreography_id
from messages.orders import Order
from messages.participants import PARTICIPANTS
from messages.sagas import SagaSucceeded, StepState
from tests.harness.builders import an_order
from tests.harness.events import enveloped, told
from tests.harness.opening import OpenShop
from tests.harness.runs import first_run
from tests.harness.shop import Handle, Shop
from tests.harness.steps import STEPS
from workflows.choreography.order_choreography import OrderChoreography


@pytest.fixture
def mode() -> Mode:
    return Mode.CHOREOGRAPHY


DONE = [participant.done for participant in PARTICIPANTS]
UNDONE = [participant.undone for participant in PARTICIPANTS]


async def alone(shop: Shop, order: Order) -> Handle:
    """Start an order whose services are away: it hears what the test tells it, and nothing else."""
    return await shop.begin(
        "OrderChoreography",
        order,
        workflow_id=order_choreography_id(order.order_id),
        result_type=SagaSucceeded,
    )


async def tell(
    handle: Handle, order: Order, kinds: list[type[OrderEvent]], chance: random.Random
) -> None:
    """Tell each of them once to three times, in any order."""
    run_id = first_run(handle)
    copies = [kind for kind in kinds for _ in range(chance.randint(1, 3))]
    chance.shuffle(copies)
    for kind in copies:
        event = enveloped(told(kind, order, run_id))
        try:
            await handle.signal(OrderChoreography.receive_event, event)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return  # it has heard enough, and ended; what was left are copies


@pytest.mark.parametrize("seed", range(4))
async def test_an_order_succeeds_once_it_has_heard_of_every_part(
    open_shop: OpenShop, seed: int
) -> None:
    order = an_order()
    async with open_shop(worker=False) as shop, shop.deciding_worker():
        handle = await alone(shop, order)
        await tell(handle, order, [*DONE], random.Random(seed))
        assert (await shop.succeeds(handle)).completed_steps == 4


@pytest.mark.parametrize("refused", PARTICIPANTS, ids=lambda participant: participant.service)
async def test_an_order_that_was_refused_ends_once_it_has_heard_of_every_undoing(
    open_shop: OpenShop, refused: object
) -> None:
    participant = next(p for p in PARTICIPANTS if p is refused)
    position = PARTICIPANTS.index(participant)
    chance = random.Random(position)
    order = an_order()
    async with open_shop(worker=False) as shop, shop.deciding_worker():
        handle = await alone(shop, order)
        early, late = DONE[: position // 2], DONE[position // 2 : position]
        await tell(handle, order, [*early, participant.refused], chance)
        # What is told late was overtaken by the refusal that it led to.
        await tell(handle, order, late, chance)
        assert not [s for s in (await shop.status(handle)).steps if s.state is StepState.SUCCESS]
        await tell(handle, order, [*late, *UNDONE], chance)
        result = await shop.rolls_back(handle)
        assert (result.status, result.failed_step) == ("FAILED", participant.step)
        assert sorted(result.compensated_steps) == sorted(STEPS)
