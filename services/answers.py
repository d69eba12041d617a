"""Answers of a fence, told to whoever counts them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from messages.failures import (
    IdempotencyConflict,
    OperationReversed,
    OrderAlreadyPlaced,
    Refused,
)
from services.decided import State

#: Receives the name of a service and its answer, one of those in :mod:`messages.metrics`. Called
#: from any thread.
Listener = Callable[[str, str], None]


def nobody(_service: str, _answer: str) -> None:
    """Ignore an answer."""


def answer_to_undo(state: str) -> str:
    """Return the answer to a compensation of an operation whose effect does not stand."""
    return "nothing_to_reverse" if state == State.REFUSED else "repeated"


@dataclass
class Told:
    """Answer that is told when the operation ends; the exception may say more."""

    answer: str


@contextmanager
def telling(listener: Listener, service: str, answer: str) -> Iterator[Told]:
    """Tell the answer of the operation in this block, once its transaction has ended.

    Nothing is told if the ledger could not answer.

    Args:
        listener: receives the answer.
        service: the name of the service.
        answer: the answer, unless the block changes it or raises a failure that is an answer.
    """
    told = Told(answer)
    try:
        yield told
    except OrderAlreadyPlaced:
        listener(service, "already_placed")
        raise
    except Refused:
        listener(service, "repeated" if told.answer == "repeated" else "refused")
        raise
    except OperationReversed:
        listener(service, "too_late")
        raise
    except IdempotencyConflict:
        listener(service, "conflict")
        raise
    listener(service, told.answer)
