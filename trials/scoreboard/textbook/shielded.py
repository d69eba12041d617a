"""Textbook variant 2, the careful one: undos registered first, cancels caught, undo shielded.

It knows that a cancelled wait raises a BaseException, and that a cancel must not stop the
compensations. Each undo uses the id from its action's reply. The points are awarded last, outside
the part that can be rolled back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from trials.scoreboard.textbook.activities import TextbookActivities
    from trials.scoreboard.textbook.orders import Cart

Action = Callable[[TextbookActivities, Cart], str]
Undo = Callable[[TextbookActivities, str | None], None]

PROTECTED: tuple[tuple[Action, Undo], ...] = (
    (TextbookActivities.reserve_inventory, TextbookActivities.release_inventory),
    (TextbookActivities.process_payment, TextbookActivities.refund_payment),
    (TextbookActivities.prepare_shipping, TextbookActivities.cancel_shipment),
)


@workflow.defn
class Shielded:
    """Workflow that places an order."""

    def __init__(self) -> None:
        self._undos: list[tuple[Undo, int]] = []
        self._replies: dict[int, str] = {}
        self._cancelled = False

    @workflow.signal
    def cancel_order(self) -> None:
        self._cancelled = True

    @workflow.run
    async def run(self, cart: Cart) -> dict[str, str]:
        try:
            for number, (action, undo) in enumerate(PROTECTED):
                if self._cancelled:
                    raise ApplicationError("cancelled by the customer")
                self._undos.append((undo, number))
                self._replies[number] = await self._act(action, cart)
        except (Exception, asyncio.CancelledError) as error:
            await asyncio.shield(self._compensate())
            if is_cancelled_exception(error):
                raise
            raise ApplicationError(f"order rolled back: {error.__cause__ or error}") from None
        await self._act(TextbookActivities.award_loyalty_points, cart)
        return {"status": "SUCCESS"}

    async def _act(self, action: Action, cart: Cart) -> str:
        return await workflow.execute_activity_method(
            action,
            cart,
            start_to_close_timeout=timedelta(seconds=cart.deadline_seconds or 30),
            retry_policy=RetryPolicy(maximum_attempts=2),
        )

    async def _compensate(self) -> None:
        for undo, number in reversed(self._undos):
            try:
                await workflow.execute_activity_method(
                    undo,
                    self._replies.get(number),
                    start_to_close_timeout=timedelta(seconds=30),
                )
            except Exception:
                workflow.logger.exception("compensation failed")
