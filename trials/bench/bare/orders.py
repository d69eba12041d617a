"""The plainest order saga in the usual published style, with which the bench compares ours.

It takes the same four steps at the same services. It knows no cancel, no deadline, no operator
and no lost reply; docs/classic-bugs.md shows what that costs.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages.orders import Order
    from trials.bench.bare.activities import BareActivities

_LIMIT = timedelta(seconds=10)


@workflow.defn
class BareOrder:
    """Workflow that places an order."""

    @workflow.run
    async def run(self, order: Order) -> str:
        """Take the four steps, or undo those that were taken."""
        undos = []
        try:
            await workflow.execute_activity_method(
                BareActivities.reserve_inventory, order, start_to_close_timeout=_LIMIT
            )
            undos.append(BareActivities.release_inventory)
            await workflow.execute_activity_method(
                BareActivities.process_payment, order, start_to_close_timeout=_LIMIT
            )
            undos.append(BareActivities.refund_payment)
            await workflow.execute_activity_method(
                BareActivities.prepare_shipping, order, start_to_close_timeout=_LIMIT
            )
            undos.append(BareActivities.cancel_shipment)
            await workflow.execute_activity_method(
                BareActivities.award_loyalty_points, order, start_to_close_timeout=_LIMIT
            )
        except Exception:
            for undo in reversed(undos):
                await workflow.execute_activity_method(undo, order, start_to_close_timeout=_LIMIT)
            raise
        return "SUCCESS"
