"""Account of a choreographed order: the events that it knows, and its state that follows.

Events may arrive in any order and more than once. The resulting state is the same.
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
from workflows.metrics import count_compensation, undoing
from workflows.progress import Progress

#: Types of the events that ask for an undo or report one.
_UNDOING = {OrderCancelled.__name__, *(p.undone.__name__ for p in PARTICIPANTS)}


class Account:
    """Account of one run of the order."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        #: Every event that the order emitted or received, in that order.
        self.events: list[EventRecord] = []
        #: Reason why the order turned back; None if it has not.
        self.turn: Turn | None = None
        #: Event that made it turn back; None if something else did.
        self.turned_by: OrderEvent | None = None
        #: Number of messages with something new, so that the follow-up can see that none came.
        self.news = 0
        #: Steps without an effect, as the service or an operator has said.
        self._undone: set[str] = set()
        self._compensated: list[str] = []
        self._resolved: list[str] = []

    @property
    def everything_stands(self) -> bool:
        """Tell whether every step has succeeded."""
        return len(self._progress.in_state(StepState.SUCCESS)) == len(STEPS)

    @property
    def nothing_stands(self) -> bool:
        """Tell whether no step has an effect, as each service or an operator has said."""
        return self._undone.issuperset(STEPS)

    def record(self, event: OrderEvent) -> bool:
        """Record an event; return False if it was recorded before."""
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
        """Apply an event of a service."""
        step = STEP_TOLD_OF.get(type(event))
        if step is None or not self.record(event):
            return
        if isinstance(event, Undone):
            self._heard_undone(step, event)
        elif self.turn is not None:
            return  # the service undoes its step, or has done so before this event arrived
        elif isinstance(event, Refusal):
            self._progress.failed(step, brief(event.error))
            self.call_off("FAILED", event.error, step, by=event)
        else:
            self._progress.succeeded(step)

    def hear_of_delivery(self, report: DeliveryReport) -> None:
        """Apply a report on the delivery of an event of this order."""
        step = step_of(report)
        if step is None:
            return
        self.news += 1
        undoing = report.event.type in _UNDOING
        # The delivery of an event whose result is already known may still fail. It changes nothing.
        is_known = (
            step in self._undone if undoing else self._progress[step].state is StepState.SUCCESS
        )
        if undoing is (self.turn is not None) and not is_known:
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
        """Turn back; only the first reason counts."""
        if self.turn is not None:
            return
        error = brief(error)
        self.turn, self.turned_by = Turn(status, error, step, natively), by
        self._progress.error = error
        for step_to_undo in STEPS:
            if self._progress[step_to_undo].state not in (StepState.PENDING, StepState.FAILED):
                self._progress.compensating(step_to_undo)
        self._progress.move_to(SagaStatus.COMPENSATING)

    def note_delivery_state(self, step: str, found: CarrierState) -> None:
        """Apply the state in which the follow-up found a delivery.

        A delivery that was neither open nor parked has been started again.
        """
        undoing = self.turn is not None
        parked = self._progress[step].state is StepState.NEEDS_INTERVENTION
        if found is CarrierState.PARKED and not parked:
            self._progress.parked(step, "its event waits for an operator", undoing=undoing)
        elif found is not CarrierState.PARKED and parked:
            (self._progress.compensating if undoing else self._progress.started)(step)

    def forget_reported_undos(self) -> None:
        """Forget which services reported an undo, but keep the decisions of operators.

        The reports may be older than a reset, and a step may have been done again since. So
        each service has to report once more, from its ledger.
        """
        forgotten = {p.undone.__name__ for p in PARTICIPANTS if p.step not in self._resolved}
        self.events = [event for event in self.events if event.type not in forgotten]
        for step in self._undone.difference(self._resolved):
            self._undone.discard(step)
            if self._progress[step].state is StepState.COMPENSATED:
                self._progress.compensating(step)
        self._compensated.clear()

    def known_of(self, step: str) -> tuple[StepView, bool]:
        """Return everything known about a step; it compares equal while nothing changes."""
        return self._progress[step], step in self._undone

    def is_undone(self, step: str) -> bool:
        """Tell whether the step has no effect, as the service or an operator has said."""
        return step in self._undone

    def awaited_step(self) -> str | None:
        """Return the first step that has not succeeded yet."""
        return next((s for s in STEPS if self._progress[s].state is not StepState.SUCCESS), None)

    def succeeded(self) -> SagaSucceeded:
        """Close the account with success, and return the result."""
        self._progress.move_to(SagaStatus.SUCCESS)
        return SagaSucceeded(saga_id=self._progress.saga_id, completed_steps=len(STEPS))

    def rolled_back(self, turn: Turn) -> SagaRolledBack:
        """Close the account after a rollback, and return the result."""
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
            return  # an operator has decided it before
        self._undone.add(step)
        count_compensation(step, undoing(event.had_effect, event.settled))
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
            if self.turn is not None:
                count_compensation(step, "parked")
        elif report.state is DeliveryState.DELIVERING and self.turn is not None:
            self._progress.compensating(step)
        elif report.state is DeliveryState.DELIVERING:
            self._progress.started(step)
        elif decision is not None and self.turn is not None:
            self._undone.add(step)
            self._resolved.append(step)
            by_hand = Resolution(operator=decision.operator, note=decision.note, at=workflow.now())
            self._progress.compensated(step, by_hand)
            count_compensation(step, undoing(False, by_hand))
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
