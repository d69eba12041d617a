"""An order without a leader is reconciled for its type, its id and its keys alone."""

from __future__ import annotations

import pytest
from temporalio.service import RPCError, RPCStatusCode

from messages.deliveries import DeliveryState
from messages.events.order import OrderCancelled
from messages.ids import delivery_id, event_id
from messages.sagas import SagaSucceeded, StepState
from tests.harness import ledgers
from tests.harness.builders import an_order
from tests.workflows.conftest import OpenShop, until
from tests.workflows.reconciling import NAMES, assert_nothing_left, reconcile, terminate
from workflows.choreography.delivery import EventDelivery

each_step = pytest.mark.parametrize("step", NAMES)


@each_step
async def test_terminated_while_a_service_is_at_it(open_shop: OpenShop, step: str) -> None:
    ended, waiting = an_order(), an_order()
    slow = {"operations": [step], "kind": "delay", "when": "after", "seconds": 1.0, "rate": 1.0}
    async with open_shop(slow) as shop:
        handle, other = await shop.create(ended), await shop.create(waiting)

        async def stands() -> bool:
            return step in shop.standing(ended)

        await until(stands)
        await terminate(shop, handle)
        report = await reconcile(shop)
        assert [run.saga_id for run in report.listed] == [f"saga_{ended.order_id}"]
        assert shop.standing(ended) == []
        assert isinstance(await shop.outcome(other), SagaSucceeded)
        await assert_nothing_left(shop)
        assert shop.standing(ended) == []
        assert shop.standing(waiting) == NAMES


async def test_an_undoing_that_an_operator_discarded_before_the_order_was_terminated(
    open_shop: OpenShop,
) -> None:
    order = an_order()
    refused = {"operations": ["award_loyalty_points"], "kind": "refusal", "rate": 1.0}
    broken = {"operations": ["refund_payment"], "kind": "permanent", "count": 1}
    slow = {"operations": ["cancel_shipment"], "kind": "transient", "count": 6}
    async with open_shop(refused, broken, slow) as shop:
        handle = await shop.create(order)
        cancelled = event_id(
            handle.id, handle.first_execution_run_id or "", OrderCancelled.__name__
        )
        letter = shop.env.client.get_workflow_handle(delivery_id(cancelled, "payment"))

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
        await terminate(shop, handle)
        examined = (await reconcile(shop)).listed
        assert "process_payment" not in {*examined[0].undone, *examined[0].failed}
        assert ledgers.states(shop.settings, order.order_id)["process_payment"] == ["settled"]
