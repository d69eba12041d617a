"""Delivery of one event to one subscriber, durable and at least once.

A delivery is a workflow, and its id contains the event and the subscriber. So a second start is
refused, and a subscriber that fails does not block the others. The same workflow runs the
reaction and publishes the events that it returns. So an effect is published, or its event is
parked.

An activity starts the workflow. A delivery of an earlier version has a parent instead, and goes
on as that version did.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from messages import wire
    from messages.base import Resolution
    from messages.deliveries import (
        Delivered,
        Delivery,
        DeliveryReport,
        DeliveryState,
        DeliveryView,
        ResolveDeadLetter,
    )
    from messages.events.base import Event
    from messages.ids import is_delivery_id
    from messages.sagas import SagaStatus

from workflows.choreography import publication_by_children
from workflows.choreography.publication import tell_order
from workflows.choreography.reacting import deliver_to, react
from workflows.choreography.settlement import settle, undoing_of
from workflows.choreography.subscriptions import UnknownEvent, read, subscription
from workflows.closing import no_input
from workflows.failure import explain
from workflows.metrics import count_delivery
from workflows.progress import SAGA_STATUS_KEY, WHAT_TO_TYPE
from workflows.replies import UnreadableReply
from workflows.uninterrupted import finish


@workflow.defn(name=wire.EVENT_DELIVERY)
class EventDelivery:
    """Workflow that delivers one event, and publishes the events with which it is answered."""

    @workflow.init
    def __init__(self, delivery: Delivery | None = None) -> None:
        if delivery is None:
            raise no_input("no delivery given")
        self._delivery = delivery
        self._event = delivery.event
        self._subscriber = delivery.subscriber
        self._state = DeliveryState.DELIVERING
        self._error: str | None = None
        self._since: datetime | None = None
        self._decisions: list[ResolveDeadLetter] = []
        self._attempt: asyncio.Task[object] | None = None
        self._is_child = workflow.info().parent is not None
        #: Events of a child that are not published yet.
        self._unpublished: list[Event] = []
        self._show()

    @workflow.run
    async def run(self, delivery: Delivery | None = None) -> Delivered:
        """Deliver the event; a cancel parks it, so that it is not lost."""
        return await finish(asyncio.create_task(self._deliver()), on_cancel=self._interrupt)

    @workflow.query(name=wire.STATUS)
    def status(self) -> DeliveryView:
        """Return the state of the delivery."""
        return DeliveryView(
            delivery=self._delivery,
            state=self._state,
            error=self._error,
            parked_since=self._since,
            decisions=tuple(self._decisions),
        )

    @workflow.update(
        name=wire.RESOLVE_DEAD_LETTER, description="deliver the event again, or discard it"
    )
    def resolve_dead_letter(self, decision: ResolveDeadLetter) -> DeliveryView:
        """Apply an operator's decision about an event that could not be delivered."""
        # To discard an undo is a decision about money. It counts once the ledger has recorded it.
        at_once = decision.action == "discard" and undoing_of(self._delivery) is None
        self._decisions.append(decision)
        self._since = None
        self._state = DeliveryState.DISCARDED if at_once else DeliveryState.DELIVERING
        return self.status()

    @resolve_dead_letter.validator
    def _may_resolve(self, decision: ResolveDeadLetter) -> None:
        if self._state is not DeliveryState.PARKED:
            raise ValueError(f"this delivery waits for nobody: it is {self._state.value}")

    async def _deliver(self) -> Delivered:
        emitted = await self._try_to_deliver()
        while emitted is None:
            if not await self._parked():
                return self._ended(())
            emitted = await self._try_to_deliver()
        for event in self._unpublished:
            await publication_by_children.publish(event, verified=_is_verified())
        self._state = DeliveryState.DELIVERED
        return self._ended(emitted)

    async def _try_to_deliver(self) -> tuple[str, ...] | None:
        """Return the ids of the events of the answer; None if the subscriber failed for good."""
        self._attempt = attempt = asyncio.create_task(self._hand_over())
        try:
            return await attempt
        # Not BaseException: see Saga.step.
        except (FailureError, UnreadableReply, UnknownEvent, asyncio.CancelledError) as error:
            self._error = str(error) if isinstance(error, UnknownEvent) else explain(error)
            return None

    async def _hand_over(self) -> tuple[str, ...]:
        subscriber = subscription(self._event, self._subscriber)
        # An unreadable event would fail every attempt of a service, and would be lost as a signal
        # to the order. So it is parked at once.
        read(self._event)
        if subscriber.reaction is None:
            await tell_order(self._event.correlation_id, wire.RECEIVE_EVENT, self._event)
            return ()
        if not self._is_child:
            return await deliver_to(subscriber, self._delivery)
        self._unpublished = await react(subscriber, self._event)
        return tuple(event.id for event in self._unpublished)

    async def _parked(self) -> bool:
        """Wait for an operator; return True if the event is to be delivered again."""
        recorded = False
        while not recorded:
            self._state, self._since = DeliveryState.PARKED, workflow.now()
            self._mark(SagaStatus.NEEDS_INTERVENTION)
            count_delivery(self._event.type, self._state.value)
            await self._report()
            await workflow.wait_condition(lambda: self._state is not DeliveryState.PARKED)
            self._mark(None)
            recorded = await self._record(self._decisions[-1])
        await self._report(self._decisions[-1])
        return self._state is DeliveryState.DELIVERING

    async def _record(self, decision: ResolveDeadLetter) -> bool:
        """Record the decision in the ledger, if it belongs there; return False if that fails."""
        if decision.action != "discard" or self._state is DeliveryState.DISCARDED:
            return True
        if not workflow.patched(wire.DECISIONS_IN_THE_LEDGER):
            self._state = DeliveryState.DISCARDED
            return True
        by_hand = Resolution(operator=decision.operator, note=decision.note, at=workflow.now())
        self._attempt = attempt = asyncio.create_task(settle(self._delivery, by_hand))
        try:
            await attempt
        except (Exception, asyncio.CancelledError) as error:
            self._error = f"the decision could not be recorded: {explain(error)}"
            return False
        self._state = DeliveryState.DISCARDED
        return True

    async def _report(self, decision: ResolveDeadLetter | None = None) -> None:
        report = DeliveryReport(
            event=self._event,
            subscriber=self._subscriber,
            state=self._state,
            error=self._error,
            decision=decision,
        )
        await tell_order(self._event.correlation_id, wire.DELIVERY_REPORT, report)

    def _ended(self, emitted: tuple[str, ...]) -> Delivered:
        discarded = self._state is DeliveryState.DISCARDED
        self._show()
        count_delivery(self._event.type, self._state.value)
        return Delivered(
            event_id=self._event.id,
            subscriber=self._subscriber,
            state=DeliveryState.DISCARDED if discarded else DeliveryState.DELIVERED,
            emitted=emitted,
        )

    def _interrupt(self) -> None:
        if self._attempt is not None:
            self._attempt.cancel()

    def _mark(self, status: SagaStatus | None) -> None:
        key = SAGA_STATUS_KEY
        value = key.value_set(status.value) if status else key.value_unset()
        workflow.upsert_search_attributes([value])
        self._show()

    def _show(self) -> None:
        lines = [f"**{self._state.value}**: {self._event.type} → {self._subscriber}", ""]
        if self._error:
            lines.append(f"- {self._error}")
        lines += [f"- {d.action} by {d.operator}: {d.note}" for d in self._decisions]
        if self._state is DeliveryState.PARKED:
            lines += ["", WHAT_TO_TYPE]
        workflow.set_current_details("\n".join(lines))


def _is_verified() -> bool:
    """Tell whether a child verifies the deliveries that it starts.

    To verify is to ask Temporal about a delivery whose id is in use. A delivery with an id of the
    new form does so. One with an old id belongs to an order that may have begun before that was
    introduced, so the patch decides.
    """
    return is_delivery_id(workflow.info().workflow_id) or workflow.patched(wire.VERIFIED_DELIVERIES)
