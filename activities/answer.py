"""Reactions to events, whose results are new events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import TypeVar

from activities.failures import translated
from messages.base import Reversal
from messages.events.base import Event
from messages.failures import OperationReversed, Refused

_ReplyT = TypeVar("_ReplyT")


def answer(
    do: Callable[[], _ReplyT],
    done: Callable[[_ReplyT, datetime], Event],
    refused: Callable[[str, datetime], Event],
) -> list[Event]:
    """Run a service's action, and return its outcome as events.

    Args:
        do: runs the action.
        done: makes the event of a success, from the reply and the time.
        refused: makes the event of a refusal, from the reason and the time.

    Returns:
        One event. No event if the action was compensated before it arrived: the compensation
        has already published one.

    Raises:
        ApplicationError: the service failed in a way that is no outcome of the action; not
            retryable.
    """
    with translated():
        try:
            return [done(do(), now())]
        except Refused as no:
            return [refused(f"{no} ({no.type_name})", now())]
        except OperationReversed:
            return []


def undoing(reversal: Reversal) -> dict[str, object]:
    """Return the fields in which an event describes a compensation."""
    by_hand = reversal.settled
    facts: dict[str, object] = {"had_effect": reversal.had_effect}
    return facts if by_hand is None else {**facts, "settled": by_hand.model_dump()}


def now() -> datetime:
    """Return the current time in UTC, for an event."""
    return datetime.now(timezone.utc)
