"""Decided operations: their stored rows, and the answers to repeated requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from typing import NamedTuple, TypeVar

from messages.base import Command, Message, Resolution, Reversal
from messages.failures import OperationReversed, Refused

_A = TypeVar("_A", bound=Message)


class State(str, Enum):
    """State of a decided operation."""

    APPLIED = "applied"  #: its effect stands
    REFUSED = "refused"  #: the service refused it; there never was an effect
    REVERSED = "reversed"  #: it was compensated, perhaps before it arrived
    SETTLED = "settled"  #: an operator recorded that it was undone by hand


class Decided(NamedTuple):
    """Row of the fence, without the columns that only name the operation."""

    key: str
    state: str
    request: str
    answer: str
    reversal: str
    settlement: str


def canonical_json(request: Command) -> str:
    """Return the request in the form in which it is stored and compared with later requests."""
    # Fields that are not set are left out. So a field that is added later does not turn the
    # requests of open sagas into conflicts.
    fields = request.model_dump(mode="json", exclude_none=True)
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def repeat(decided: Decided, answer: type[_A]) -> _A:
    """Return the stored answer to an action.

    Raises:
        Refused: the action was refused the first time.
        OperationReversed: the operation was compensated, or settled by hand.
    """
    if decided.state == State.REVERSED:
        raise OperationReversed(f"{decided.key} was already compensated")
    if decided.state == State.SETTLED:
        raise OperationReversed(f"{decided.key} was already settled by hand")
    if decided.state == State.REFUSED:
        stored = json.loads(decided.answer)
        raise _stored_refusal(stored["type"], stored["message"])
    return answer.model_validate_json(decided.answer)


def undone(decided: Decided) -> Reversal:
    """Return the answer to a compensation that has nothing left to undo."""
    if decided.state == State.SETTLED:
        by_hand = Resolution.model_validate_json(decided.settlement)
        return Reversal(had_effect=False, settled=by_hand)
    if decided.state == State.REVERSED:
        return Reversal.model_validate_json(decided.reversal)
    return Reversal(had_effect=False)


def refusal_json(refusal: Refused) -> str:
    """Return the refusal in the form in which it is stored."""
    return json.dumps({"type": refusal.type_name, "message": str(refusal)})


def _stored_refusal(name: str, message: str) -> Refused:
    """Return a stored refusal: of its class, or, if that is unknown, with the name of its class."""
    for kind in _kinds(Refused):
        if kind.__name__ == name:
            with suppress(Exception):
                # Not by its constructor, which may take other arguments than the message.
                again = kind.__new__(kind, message)
                if str(again) == message:
                    return again
    unknown = Refused(message)
    unknown.original_type = name
    return unknown


def _kinds(kind: type[Refused]) -> Iterator[type[Refused]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)
