"""The order's account of itself: what it has heard, and what that makes of it.

Events may come in any order and more than once. What comes of them does not depend on that.
"""

from __future__ import annotations

from typing import Literal

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages.base import Resolution
    from messages.deliveries import CarrierState, DeliveryReport, DeliveryState
    from messages.events.base import OrderEvent, Refusal, Undone
    from messages.events.order import OrderCancelled
    from messages.participants import PARTICIPANTS, STEP_TOLD_OF, STEPS
    from messages.sagas import (
        EventRecord,
        SagaRolledBack,
        SagaStatus,
        SagaSucceeded,
        StepState,
        StepView,
    )

from workflows.choreography.reports import step_of
from workflows.closing import Turn
from workflows.failure import brief
from workflows.progress import Progress

#: Types of event that are about the way back.
_UNDOING = {OrderCancelled.__name__, *(p.undone.__name__ for p in PARTICIPANTS)}


class Account:
    """Account of what one run of the order knows."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        #: Every event told or heard, in the order in which that happened.
        self.events: list[EventRecord] = []
        #: Why the order was called off; None as long as it is on.
        self.turn: Turn | None = None
        #: The event in answer to which it was; None when that was no event.
        self.turned_by: OrderEvent | None = None
        #: How often something was heard that the order did not know.
        self.news = 0
        #: Steps of which the service said that nothing stands.
        self._undone: set[str] = set()
        self._compensated: list[str] = []
        self._resolved: list[str] = []

    @property
    def everything_stands(self) -> bool:
        """Tell whether each service has done its part."""
        return len(self._progress.in_state(StepState.SUCCESS)) == len(STEPS)

    @property
    def nothing_stands(self) -> bool:
        """Tell whether each service, or an operator, has said that it left nothing behind."""
        return self._undone.issuperset(STEPS)

    def record(self, event: OrderEvent) -> bool:
        """Enter an event; False when it was entered before."""
        if any(event.id == known.id for known in self.events):
            return False
        self.news += 1
        self.events.append(
            EventRecord(
                id=event.id,
                type=event.type,
                causation_id=event.causation_id,
                time=event.time,
                about=_about(event),
            )
        )
        return True

    def hear(self, event: OrderEvent) -> None:
        """Take what a service told."""
        step = STEP_TOLD_OF.get(type(event))
        if step is None or not self.record(event):
            return
        if isinstance(event, Undone):
            self._heard_undone(step, event)
        elif self.turn is not None:
            return  # it will be undone, or was: its service knows which came first
        elif isinstance(event, Refusal):
            self._progress.failed(step, brief(event.error))
            self.call_off("FAILED", event.error, step, by=event)
        else:
            self._progress.succeeded(step)

    def hear_of_delivery(self, report: DeliveryReport) -> None:
        """Take how the delivery of one of the order's events goes."""
        step = step_of(report)
        if step is None:
            return
        self.news += 1
        undoing = report.event.type in _UNDOING
        # What comes of an event that did its work already, or does not count any more, is no news.
        settled = (
            step in self._undone if undoing else self._progress[step].state is StepState.SUCCESS
        )
        if undoing is (self.turn is not None) and not settled:
            self._follow_delivery(step, report)

    def call_off(
        self,
        status: Literal["FAILED", "CANCELLED"],
        error: str,
        step: str | None,
        *,
        by: OrderEvent | None = None,
        natively: bool = False,
    ) -> None:
        """Turn back; the first reason counts."""
        if self.turn is not None:
            return
        error = brief(error)
        self.turn, self.turned_by = Turn(status, error, step, natively), by
        self._progress.error = error
        for standing in STEPS:
            if self._progress[standing].state not in (StepState.PENDING, StepState.FAILED):
                self._progress.compensating(standing)
        self._progress.move_to(SagaStatus.COMPENSATING)

    def looked_after(self, step: str, found: CarrierState) -> None:
        """Take how a delivery stood that the order depends on; one that is over was begun anew."""
        undoing = self.turn is not None
        parked = self._progress[step].state is StepState.NEEDS_INTERVENTION
        if found is CarrierState.PARKED and not parked:
            self._progress.parked(step, "its event waits for an operator", undoing=undoing)
        elif found is not CarrierState.PARKED and parked:
            (self._progress.compensating if undoing else self._progress.started)(step)

    def doubt_what_was_undone(self) -> None:
        """Have each service say once more that nothing stands, unless an operator said so.

        What was heard may be from an earlier life of the order; the ledger says what is now.
        """
        told = {p.undone.__name__ for p in PARTICIPANTS if p.step not in self._resolved}
        self.events = [event for event in self.events if event.type not in told]
        for step in self._undone.difference(self._resolved):
            self._undone.discard(step)
            if self._progress[step].state is StepState.COMPENSATED:
                self._progress.compensating(step)
        self._compensated.clear()

    def seen(self, step: str) -> tuple[StepView, bool]:
        """All that was heard of a step; equal as long as nothing more was."""
        return self._progress[step], step in self._undone

    def is_undone(self, step: str) -> bool:
        """Tell whether the service, or an operator, has said that nothing of the step stands."""
        return step in self._undone

    def awaited_step(self) -> str | None:
        """Return the first step of which nothing was heard yet."""
        return next((s for s in STEPS if self._progress[s].state is not StepState.SUCCESS), None)

    def succeeded(self) -> SagaSucceeded:
        """Return the result of an order of which everything stands."""
        self._progress.move_to(SagaStatus.SUCCESS)
        return SagaSucceeded(saga_id=self._progress.saga_id, completed_steps=len(STEPS))

    def rolled_back(self, turn: Turn) -> SagaRolledBack:
        """Return the result of an order of which nothing stands."""
        self._progress.move_to(SagaStatus(turn.status))
        return SagaRolledBack(
            saga_id=self._progress.saga_id,
            status=turn.status,
            failed_step=turn.step,
            error=turn.error,
            compensated_steps=tuple(self._compensated),
            resolved_manually=tuple(self._resolved),
        )

    def _heard_undone(self, step: str, event: Undone) -> None:
        if step in self._undone:
            return  # an operator has said so before
        self._undone.add(step)
        if event.settled is not None:
            self._resolved.append(step)
            self._progress.compensated(step, Resolution(**event.settled.model_dump()))
            return
        if event.had_effect:
            self._compensated.append(step)
        if event.had_effect or self._progress[step].state not in (
            StepState.PENDING,
            StepState.FAILED,
        ):
            self._progress.compensated(step)

    def _follow_delivery(self, step: str, report: DeliveryReport) -> None:
        decision = report.decision
        if report.state is DeliveryState.PARKED:
            why = brief(report.error or "its event could not be delivered")
            self._progress.parked(step, why, undoing=self.turn is not None)
        elif report.state is DeliveryState.DELIVERING and self.turn is not None:
            self._progress.compensating(step)
        elif report.state is DeliveryState.DELIVERING:
            self._progress.started(step)
        elif decision is not None and self.turn is not None:
            self._undone.add(step)
            self._resolved.append(step)
            by_hand = Resolution(operator=decision.operator, note=decision.note, at=workflow.now())
            self._progress.compensated(step, by_hand)
        elif decision is not None:
            why = f"{report.event.type} was discarded by {decision.operator}: {decision.note}"
            self._progress.failed(step, why)
            self.call_off("FAILED", why, step)


def _about(event: OrderEvent) -> str | None:
    if isinstance(event, Refusal):
        return brief(event.error)
    if isinstance(event, OrderCancelled):
        return brief(event.reason)
    if isinstance(event, Undone) and event.settled is not None:
        return f"undone by hand by {event.settled.operator}: {event.settled.note}"
    if isinstance(event, Undone) and not event.had_effect:
        return "nothing to undo"
    return None
