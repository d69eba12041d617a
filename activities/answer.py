"""Answers to events, which are events again."""

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
    """Do something for an order, and tell how it went.

    Returns:
        One event; or none when the order was cancelled before: that was told already.

    Raises:
        ApplicationError: the service gave an answer that tells of no outcome; not retryable.
    """
    with translated():
        try:
            return [done(do(), now())]
        except Refused as no:
            return [refused(f"{no} ({no.type_name})", now())]
        except OperationReversed:
            return []


def undoing(reversal: Reversal) -> dict[str, object]:
    """Return what an event tells of how something was undone."""
    by_hand = reversal.settled
    facts: dict[str, object] = {"had_effect": reversal.had_effect}
    return facts if by_hand is None else {**facts, "settled": by_hand.model_dump()}


def now() -> datetime:
    """Return the time of an event that happens now, in UTC."""
    return datetime.now(timezone.utc)
