"""Deliveries run by another version, which end as none of ours would: no order ends with them."""

from __future__ import annotations

import pytest
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner

from messages.deliveries import Delivery
from messages.events.base import OrderEvent
from messages.events.inventory import InventoryReserved
from messages.events.loyalty import LoyaltyPointsAwarded
from messages.events.payment import PaymentSucceeded
from messages.events.shipping import ShipmentPrepared
from messages.ids import order_choreography_id
from messages.sagas import SagaSucceeded
from tests.harness.builders import an_order
from tests.harness.deliveries import FORWARD, delivery
from tests.harness.events import told
from tests.harness.opening import OpenShop
from tests.harness.progress import assert_no_task_failed
from tests.harness.runs import Run, describe, first_run
from tests.harness.waiting import until
from workflows.choreography.order_choreography import OrderChoreography

_UNREADABLE = RawValue(Payload(metadata={"encoding": b"unheard/of"}, data=b"\xff"))
_WHAT_ALL_SERVICES_TELL: tuple[type[OrderEvent], ...] = (
    InventoryReserved,
    PaymentSucceeded,
    ShipmentPrepared,
    LoyaltyPointsAwarded,
)


@workflow.defn(name="EventDelivery")
class Unreadable:
    """Ends with a result in an encoding that nobody knows."""

    @workflow.run
    async def run(self, delivery: Delivery) -> RawValue:
        return _UNREADABLE


@workflow.defn(name="EventDelivery")
class UnreadablyFailed:
    """Fails with a detail in that encoding."""

    @workflow.run
    async def run(self, delivery: Delivery) -> None:
        raise ApplicationError("no", _UNREADABLE, non_retryable=True)


@pytest.mark.parametrize("deliveries", [Unreadable, UnreadablyFailed])
async def test_an_order_goes_on_whatever_its_deliveries_end_with(
    open_shop: OpenShop, deliveries: type
) -> None:
    order = an_order()
    workflows = (OrderChoreography, deliveries)
    runner = UnsandboxedWorkflowRunner()
    async with (
        open_shop(worker=False) as shop,
        shop.worker(workflows=workflows, workflow_runner=runner),
    ):
        # Not as an order of the shop, whose ledgers it leaves alone.
        placed = await shop.begin(
            "OrderChoreography",
            order,
            workflow_id=order_choreography_id(order.order_id),
            result_type=SagaSucceeded,
        )
        await until(lambda: _is_closed(delivery(shop, placed, FORWARD["inventory"])))
        for kind in _WHAT_ALL_SERVICES_TELL:
            event = told(kind, order, first_run(placed))
            await placed.signal(OrderChoreography.receive_event, event)
        assert await placed.result() == SagaSucceeded(saga_id=placed.id, completed_steps=4)
        await assert_no_task_failed(placed, "in the end")


async def _is_closed(run: Run) -> bool:
    found = await describe(run)
    return found is not None and found.close_time is not None
