"""A choreographed order changed without care: it tells nobody that it was created."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages.deliveries import DeliveryReport
    from messages.events.base import Event
    from messages.orders import Order


@workflow.defn(name="OrderChoreography")
class Untold:
    """Waits to hear of something."""

    def __init__(self) -> None:
        self._heard = False

    @workflow.run
    async def run(self, order: Order) -> None:
        await workflow.wait_condition(lambda: self._heard, timeout=900)

    @workflow.signal
    def receive_event(self, event: Event) -> None:
        self._heard = True

    @workflow.signal
    def delivery_report(self, report: DeliveryReport) -> None:
        self._heard = True
