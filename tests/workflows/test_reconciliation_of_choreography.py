"""An order without a leader is reconciled for its type, its id and its keys alone."""

from __future__ import annotations

import pytest
from temporalio.service import RPCError, RPCStatusCode

from cli.modes import Mode
from messages.deliveries import DeliveryState
from messages.events.order import OrderCancelled
from messages.ids import delivery_id, event_id
from messages.sagas import StepState
from tests.harness.builders import an_order
from tests.harness.faults import LOYALTY_REFUSES, REFUND_FAILS_ONCE, delay, transient
from tests.harness.opening import OpenShop
from tests.harness.reconciling import assert_nothing_left, reconcile
from tests.harness.runs import first_run
from tests.harness.steps import STEPS
from tests.harness.waiting import until
from workflows.choreography.delivery import EventDelivery


@pytest.fixture
def mode() -> Mode:
    return Mode.CHOREOGRAPHY


each_step = pytest.mark.parametrize("step", STEPS)


@each_step
async def test_terminated_while_a_service_is_at_it(open_shop: OpenShop, step: str) -> None:
    ended, waiting = an_order(), an_order()
    slow = delay(step, seconds=1.0, when="after")
    async with open_shop(slow) as shop:
        handle, other = await shop.place(ended), await shop.place(waiting)

        async def stands() -> bool:
            return step in shop.standing(ended)

        await until(stands)
        await shop.terminate(handle)
        report = await reconcile(shop)
        assert [run.saga_id for run in report.listed] == [f"saga_{ended.order_id}"]
        assert shop.standing(ended) == []
        await shop.succeeds(other)
        await assert_nothing_left(shop)
        assert shop.standing(ended) == []
        assert shop.standing(waiting) == STEPS


async def test_an_undoing_that_an_operator_discarded_before_the_order_was_terminated(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    slow = transient("cancel_shipment", times=6)
    async with open_shop(LOYALTY_REFUSES, REFUND_FAILS_ONCE, slow) as shop:
        handle = await shop.place(order)
        cancelled = event_id(handle.id, first_run(handle), OrderCancelled.__name__)
        letter = shop.client.get_workflow_handle(delivery_id(cancelled, "payment"))

        async def parked() -> bool:
            try:
                return (await letter.query(EventDelivery.status)).state is DeliveryState.PARKED
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                return False  # the order is not cancelled yet

        await until(parked)
        await letter.execute_update(
            "resolve_dead_letter",
            {"action": "discard", "operator": "ada", "note": "letter 4711"},
        )
        await shop.until_step(handle, "process_payment", StepState.COMPENSATED)
        await shop.terminate(handle)
        examined = (await reconcile(shop)).listed
        assert "process_payment" not in {*examined[0].undone, *examined[0].failed}
        assert shop.states(order)["process_payment"] == ["settled"]
