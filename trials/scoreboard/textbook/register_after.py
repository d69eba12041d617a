"""Textbook variant 1, the blog post: a list of undos, appended to as steps succeed.

It is easy to read and rolls back in the right order. It retries in a loop of its own, its
deadline is the run's execution timeout, and its result contains the outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from trials.scoreboard.textbook.activities import TextbookActivities
    from trials.scoreboard.textbook.orders import Cart

ONCE = RetryPolicy(maximum_attempts=1)
THRICE = RetryPolicy(maximum_attempts=3)


@workflow.defn
class RegisterAfter:
    """Workflow that places an order."""

    def __init__(self) -> None:
        self._undos: list[tuple[Callable[[TextbookActivities, str | None], None], str]] = []
        self._cancelled = False

    @workflow.signal
    def cancel_order(self) -> None:
        self._cancelled = True

    @workflow.run
    async def run(self, cart: Cart) -> dict[str, str]:
        try:
            await self._step(
                TextbookActivities.reserve_inventory, TextbookActivities.release_inventory, cart
            )
            await self._step(
                TextbookActivities.process_payment, TextbookActivities.refund_payment, cart
            )
            await self._step(
                TextbookActivities.prepare_shipping, TextbookActivities.cancel_shipment, cart
            )
            await self._step(
                TextbookActivities.award_loyalty_points,
                TextbookActivities.deduct_loyalty_points,
                cart,
            )
        except Exception as error:
            await self._compensate()
            return {"status": "FAILED", "error": str(error.__cause__ or error)}
        return {"status": "SUCCESS"}

    async def _step(
        self,
        action: Callable[[TextbookActivities, Cart], str],
        undo: Callable[[TextbookActivities, str | None], None],
        cart: Cart,
    ) -> None:
        if self._cancelled:
            raise ApplicationError("cancelled by the customer")
        reply = await self._tried(action, cart)
        self._undos.append((undo, reply))

    async def _tried(self, action: Callable[[TextbookActivities, Cart], str], cart: Cart) -> str:
        limit = timedelta(seconds=cart.deadline_seconds or 30)
        for _ in range(2):
            try:
                return await workflow.execute_activity_method(
                    action, cart, start_to_close_timeout=limit, retry_policy=ONCE
                )
            except ActivityError as error:
                if not isinstance(error.cause, ApplicationError) or error.cause.non_retryable:
                    raise
                await workflow.sleep(timedelta(minutes=1))
        return await workflow.execute_activity_method(
            action, cart, start_to_close_timeout=limit, retry_policy=ONCE
        )

    async def _compensate(self) -> None:
        for undo, reply in reversed(self._undos):
            try:
                await workflow.execute_activity_method(
                    undo, reply, start_to_close_timeout=timedelta(seconds=30), retry_policy=THRICE
                )
            except Exception:
                workflow.logger.exception("compensation failed")
