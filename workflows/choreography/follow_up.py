"""Follow-up of deliveries: an order does not wait for one that is gone."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages.deliveries import Delivery
    from messages.events.base import Event
    from messages.events.order import OrderCancelled
    from messages.participants import PARTICIPANTS

from workflows import policies
from workflows.choreography.account import Account
from workflows.choreography.channel import Channel

_CANCELLED = OrderCancelled.__name__
#: Event that starts each step, by step.
_TRIGGER = {participant.step: participant.takes.__name__ for participant in PARTICIPANTS}
_REPEATABLE = {*_TRIGGER.values(), _CANCELLED}


class FollowUp:
    """Check of the deliveries for which an order waits. A lost one is started again.

    A delivery may have been terminated or deleted, or a reset may have removed its answer. One
    that is open or parked is left alone.
    """

    def __init__(self, account: Account, channel: Channel) -> None:
        self._account = account
        self._channel = channel
        self._events: dict[str, Event] = {}

    def remember(self, event: Event) -> None:
        """Remember an event that may have to be delivered again."""
        if event.type in _REPEATABLE:
            self._events.setdefault(event.type, event)

    async def watch(self) -> None:
        """Check the deliveries whenever nothing new was heard for a pause; never returns."""
        pause = policies.FOLLOW_UP_AFTER
        while True:
            heard = self._account.news
            await workflow.sleep(pause, summary="until the deliveries are looked at again")
            if self._account.news != heard:
                pause = policies.FOLLOW_UP_AFTER
                continue
            await self.check()
            pause = min(2 * pause, policies.FOLLOW_UP_AT_LEAST_EVERY)

    async def check(self) -> None:
        """Start each awaited delivery again, unless it is open or parked."""
        awaited = self._awaited()
        if not awaited:
            return
        before = {step: self._account.known_of(step) for step in awaited}
        found = await self._channel.deliver_again(list(awaited.values()))
        for step, state in zip(awaited, found, strict=True):
            # If an event arrived while Temporal was asked, the state found is out of date.
            if self._account.known_of(step) == before[step]:
                self._account.note_delivery_state(step, state)

    def _awaited(self) -> dict[str, Delivery]:
        """Return the deliveries whose answers the order waits for, by step."""
        if self._account.turn is not None:
            awaited_events = {
                p.step: _CANCELLED for p in PARTICIPANTS if not self._account.is_undone(p.step)
            }
        else:
            step = self._account.awaited_step()
            awaited_events = {} if step is None else {step: _TRIGGER[step]}
        return {
            p.step: Delivery(event=self._events[awaited_events[p.step]], subscriber=p.service)
            for p in PARTICIPANTS
            if awaited_events.get(p.step) in self._events
        }
