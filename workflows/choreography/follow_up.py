"""The order's care for its deliveries: it does not wait for one that is gone."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages.deliveries import Delivery
    from messages.events.base import Event
    from messages.events.order import OrderCancelled
    from messages.participants import PARTICIPANTS

from workflows import policies
from workflows.choreography.account import Account
from workflows.choreography.publication import deliver_again

_CANCELLED = OrderCancelled.__name__
#: By step, the event in answer to which its service takes it.
_TRIGGER = {participant.step: participant.takes.__name__ for participant in PARTICIPANTS}
_KEPT = {*_TRIGGER.values(), _CANCELLED}


class FollowUp:
    """Begins anew what an order has waited for in vain.

    A delivery may have been terminated, deleted, or reset without what it had to say. One that
    is under way, or parked, is left alone.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._told: dict[str, Event] = {}

    def keep(self, event: Event) -> None:
        """Remember an event that may have to be delivered once more."""
        if event.type in _KEPT:
            self._told.setdefault(event.type, event)

    async def watch(self) -> None:
        """Look whenever nothing was heard for long, for as long as the order lives."""
        pause = policies.FOLLOW_UP_AFTER
        while True:
            heard = self._account.news
            await workflow.sleep(pause)
            if self._account.news != heard:
                pause = policies.FOLLOW_UP_AFTER
                continue
            await self.look()
            pause = min(2 * pause, policies.FOLLOW_UP_AT_LEAST_EVERY)

    async def look(self) -> None:
        """Begin anew each delivery that the order waits for and that is not under way."""
        awaited = self._awaited()
        if not awaited:
            return
        before = {step: self._account.seen(step) for step in awaited}
        found = await deliver_again(list(awaited.values()))
        for step, state in zip(awaited, found, strict=True):
            # What was heard meanwhile is newer.
            if self._account.seen(step) == before[step]:
                self._account.looked_after(step, state)

    def _awaited(self) -> dict[str, Delivery]:
        """By step, the deliveries in answer to which something is to be heard."""
        if self._account.turn is not None:
            to_come = {
                p.step: _CANCELLED for p in PARTICIPANTS if not self._account.is_undone(p.step)
            }
        else:
            step = self._account.awaited_step()
            to_come = {} if step is None else {step: _TRIGGER[step]}
        return {
            p.step: Delivery(event=self._told[to_come[p.step]], subscriber=p.service)
            for p in PARTICIPANTS
            if to_come.get(p.step) in self._told
        }
