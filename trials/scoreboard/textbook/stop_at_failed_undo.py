"""Textbook variant 3, the generic one: a table of steps, with a loop for actions and for undos.

It registers each undo first, sends idempotency keys, waits for cancelled activities, and gives
each undo the request of its action. The keys contain the order's id, so that a repeated order is
recognised.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.workflow import ActivityCancellationType

with workflow.unsafe.imports_passed_through():
    from messages.base import Command
    from messages.ids import OperationId
    from messages.inventory import ReserveInventory
    from messages.loyalty import AwardLoyaltyPoints
    from messages.orders import Order
    from messages.payment import ProcessPayment
    from messages.shipping import PrepareShipping

WAIT = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED


class _Step(NamedTuple):
    action: str
    undo: str
    request: Command


@workflow.defn
class StopAtFailedUndo:
    """Workflow that places an order."""

    def __init__(self) -> None:
        self._cancelled = False

    @workflow.signal
    def cancel_order(self) -> None:
        self._cancelled = True

    @workflow.run
    async def run(self, order: Order) -> dict[str, str]:
        registered: list[_Step] = []
        limit = timedelta(seconds=order.deadline_seconds or 30)
        try:
            for step in _steps(order):
                if self._cancelled:
                    raise ApplicationError("cancelled by the customer")
                registered.append(step)
                await workflow.execute_activity(
                    step.action,
                    step.request,
                    start_to_close_timeout=limit,
                    retry_policy=RetryPolicy(maximum_attempts=2),
                    cancellation_type=WAIT,
                )
        except Exception as error:
            for step in registered:
                await workflow.execute_activity(
                    step.undo,
                    step.request,
                    start_to_close_timeout=timedelta(seconds=30),
                    retry_policy=RetryPolicy(maximum_attempts=1),
                    cancellation_type=WAIT,
                )
            raise ApplicationError(f"order rolled back: {error.__cause__ or error}") from None
        return {"status": "SUCCESS"}


def _steps(order: Order) -> tuple[_Step, ...]:
    info = workflow.info()
    key = str(OperationId(info.workflow_id, info.run_id, "order"))
    header = {"idempotency_key": key, "order_id": order.order_id}
    user = order.user_id
    return (
        _Step(
            "reserve_inventory",
            "release_inventory",
            ReserveInventory(**header, items=order.items),
        ),
        _Step(
            "process_payment",
            "refund_payment",
            ProcessPayment(**header, user_id=user, amount=order.total_amount),
        ),
        _Step(
            "prepare_shipping",
            "cancel_shipment",
            PrepareShipping(**header, user_id=user, address=order.shipping_address),
        ),
        _Step(
            "award_loyalty_points",
            "deduct_loyalty_points",
            AwardLoyaltyPoints(**header, user_id=user, points=order.total_amount / 100),
        ),
    )
