"""Choreographed order, which tells that it was created, hears what came of it, may be called off.

It leads nobody. It says ``OrderCreated`` and, if it comes to that, ``OrderCancelled``; who does
what about it is in the table of subscriptions.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from pydantic import TypeAdapter, ValidationError
from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages import wire
    from messages.deliveries import Delivery, DeliveryReport
    from messages.events.base import Event, Name, OrderEvent, PlacedOrder
    from messages.events.order import OrderCancelled, OrderCreated
    from messages.ids import event_id, order_choreography_id
    from messages.orders import Order
    from messages.participants import STEPS
    from messages.sagas import CancelOrder, EventRecord, SagaStatus, SagaSucceeded, SagaView
    from messages.validation import explain

from workflows.chain import has_earlier_life
from workflows.choreography.account import Account
from workflows.choreography.earlier_life import confirm
from workflows.choreography.follow_up import FollowUp
from workflows.choreography.publication import (
    deliver,
    publish,
)
from workflows.choreography.subscriptions import ORDER, SUBSCRIPTIONS, UnknownEvent, read
from workflows.closing import closing_failure, no_input
from workflows.policies import deadline_of
from workflows.progress import Progress
from workflows.uninterrupted import finish

_A_MOMENT = timedelta(milliseconds=1)
_NAME: TypeAdapter[str] = TypeAdapter(Name)


@workflow.defn(name=wire.ORDER_CHOREOGRAPHY)
class OrderChoreography:
    """One order, from its creation to the last service's word on it."""

    @workflow.init
    def __init__(self, order: Order | None = None) -> None:
        if order is None:
            raise no_input("no order given")
        _check_id()
        saga_id = order_choreography_id(order.order_id)
        self._order = order
        self._progress = Progress(saga_id, STEPS, deadline_of(order))
        self._account = Account(self._progress)
        self._follow_up = FollowUp(self._account)
        self._verified = workflow.patched(wire.VERIFIED_DELIVERIES)

    @workflow.run
    async def run(self, order: Order | None = None) -> SagaSucceeded:
        """See the order through, or off.

        Raises:
            ApplicationError: the order was rolled back or cancelled, or is not an order.
        """
        created = self._created()
        if self._verified:
            self._watch = asyncio.create_task(self._follow_up.watch())
            self._look_at_the_clock()
        # What is off before anybody has heard of it is kept out, and not begun first.
        if not self._verified or self._account.turn is None:
            await self._tell(created)
        await self._decided()
        if self._account.turn is None and self._verified and has_earlier_life():
            confirmed = asyncio.create_task(confirm(self._account, created))
            await finish(confirmed, on_cancel=self._cancelled_natively)
        turn = self._account.turn
        if turn is None:
            return self._account.succeeded()
        # Of our own order: anybody may send an event, and tell of another one in it.
        cause = (self._account.turned_by or created).model_copy(update={"order": created.order})
        await self._call_off(OrderCancelled.after(cause, workflow.now(), reason=turn.error))
        await finish(asyncio.create_task(self._undone()))
        raise closing_failure(self._account.rolled_back(turn), natively=turn.natively)

    @workflow.signal(name=wire.RECEIVE_EVENT)
    async def receive_event(self, event: Event) -> None:
        """Hear what happened."""
        run = workflow.info()
        if (event.correlation_id, event.saga_run_id) != (
            run.workflow_id,
            run.first_execution_run_id,
        ):
            return  # about an earlier attempt at this order, or another order
        try:
            self._account.hear(read(event))
            self._follow_up.keep(event)
        except UnknownEvent:
            # Which parks it, where a person sees it.
            unread = Delivery(event=event, subscriber=ORDER.name)
            await deliver(unread, verified=self._verified)

    @workflow.signal(name=wire.DELIVERY_REPORT)
    def delivery_report(self, report: DeliveryReport) -> None:
        """Hear how the delivery of an event goes, if not smoothly."""
        if report.event.saga_run_id == workflow.info().first_execution_run_id:
            self._account.hear_of_delivery(report)

    @workflow.query(name=wire.STATUS)
    def status(self) -> SagaView:
        """Every step with its state and times, as far as the order has heard."""
        return self._progress.view()

    @workflow.query(name=wire.EVENTS)
    def events(self) -> list[EventRecord]:
        """Every event that the order told or heard of; each names the one it answers."""
        return self._account.events

    @workflow.update(name=wire.CANCEL_ORDER)
    def cancel_order(self, request: CancelOrder) -> SagaView:
        """Call the order off; whatever stands of it, or is still to come, is undone."""
        self._account.call_off("CANCELLED", request.reason, self._account.awaited_step())
        return self._progress.view()

    @cancel_order.validator
    def _may_cancel(self, request: CancelOrder) -> None:
        if self._account.turn is not None:
            why = self._account.turn.error
            raise ValueError(f"too late to cancel: already turned back ({why})")
        if self._progress.status is SagaStatus.SUCCESS:
            raise ValueError("too late to cancel: already succeeded")

    def _created(self) -> OrderCreated:
        # What is told of the order is sent to where it runs, whatever its id.
        order, run_id = workflow.info().workflow_id, workflow.info().first_execution_run_id
        return OrderCreated(
            id=event_id(order, run_id, OrderCreated.__name__),
            correlation_id=order,
            saga_run_id=run_id,
            time=workflow.now(),
            order=PlacedOrder.of(self._order),
        )

    async def _tell(self, event: OrderEvent) -> None:
        self._account.record(event)
        self._follow_up.keep(event)
        telling = asyncio.create_task(publish(event, verified=self._verified))
        await finish(telling, on_cancel=self._cancelled_natively)

    async def _call_off(self, cancelled: OrderCancelled) -> None:
        if not (
            self._verified and has_earlier_life() and workflow.patched(wire.ASK_AGAIN_AFTER_A_RESET)
        ):
            await self._tell(cancelled)
            return
        # Each service is to answer now, also where the event was delivered in an earlier life.
        self._account.doubt_what_was_undone()
        self._account.record(cancelled)
        self._follow_up.keep(cancelled)
        await finish(asyncio.create_task(self._follow_up.look()))

    def _look_at_the_clock(self) -> None:
        """Give up an order whose time was over before a worker took it up."""
        late = self._progress.deadline <= workflow.now()
        if late and self._account.turn is None and not self._account.everything_stands:
            step = self._account.awaited_step()
            self._account.call_off("FAILED", f"deadline passed before {step}", None)

    async def _decided(self) -> None:
        """Wait until everything stands, or something is in the way."""
        account = self._account
        try:
            await workflow.wait_condition(
                lambda: self._over(account.everything_stands) or account.turn is not None,
                timeout=self._progress.deadline - workflow.now(),
            )
            if account.turn is None:
                await self._anything_else()
        except asyncio.TimeoutError:
            step = account.awaited_step()
            account.call_off("FAILED", f"deadline passed: nothing heard of {step}", step)
        except asyncio.CancelledError:
            self._cancelled_natively()
        # A cancel that came together with the last event is no less of a cancel.
        if workflow.cancellation_reason() is not None:
            self._cancelled_natively()

    @staticmethod
    async def _anything_else() -> None:
        """Let what came along with the last event be heard before the order ends.

        The events of a workflow task are handled before a cancel of the same task is even seen.
        """
        await workflow.sleep(_A_MOMENT)
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _undone(self) -> None:
        await workflow.wait_condition(lambda: self._over(self._account.nothing_stands))

    @staticmethod
    def _over(settled: bool) -> bool:
        return settled and workflow.all_handlers_finished()

    def _cancelled_natively(self) -> None:
        reason = workflow.cancellation_reason() or "cancelled through Temporal"
        step = self._account.awaited_step()
        self._account.call_off("CANCELLED", reason, step, natively=True)


def _check_id() -> None:
    """Refuse to run under an id from which no ids of events can be made."""
    run = workflow.info()
    longest = max(SUBSCRIPTIONS, key=len)
    try:
        _NAME.validate_python(event_id(run.workflow_id, run.first_execution_run_id, longest))
    except ValidationError as error:
        raise no_input(
            f"no events can be told of a workflow with this id: {explain(error)}"
        ) from None
