"""Decided operations: what is kept of each, and the answer to whoever asks again."""

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
    """State of an operation that was decided."""

    APPLIED = "applied"  #: its effect stands
    REFUSED = "refused"  #: the service said no; there never was an effect
    REVERSED = "reversed"  #: undone, or forbidden before it arrived
    SETTLED = "settled"  #: undone by hand, as an operator recorded; nothing may move any more


class Decided(NamedTuple):
    """A row of the fence, without what only names the operation."""

    key: str
    state: str
    request: str
    answer: str
    reversal: str
    settlement: str


def canonical_json(request: Command) -> str:
    """Return the request as it is kept, and compared with another one under the same key."""
    # Without the fields that are not set, so that a field added later does not turn the
    # requests of running sagas into conflicts.
    fields = request.model_dump(mode="json", exclude_none=True)
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def repeat(decided: Decided, answer: type[_A]) -> _A:
    """Answer an action again as it was answered the first time.

    Raises:
        Refused: so it was, the first time.
        OperationReversed: it was undone, or settled by hand.
    """
    if decided.state == State.REVERSED:
        raise OperationReversed(f"{decided.key} was already compensated")
    if decided.state == State.SETTLED:
        raise OperationReversed(f"{decided.key} was already settled by hand")
    if decided.state == State.REFUSED:
        kept = json.loads(decided.answer)
        raise _kept_refusal(kept["type"], kept["message"])
    return answer.model_validate_json(decided.answer)


def undone(decided: Decided) -> Reversal:
    """Answer a compensation of which there is nothing to do any more."""
    if decided.state == State.SETTLED:
        by_hand = Resolution.model_validate_json(decided.settlement)
        return Reversal(had_effect=False, settled=by_hand)
    if decided.state == State.REVERSED:
        return Reversal.model_validate_json(decided.reversal)
    return Reversal(had_effect=False)


def refusal_json(refusal: Refused) -> str:
    """Return the refusal as it is kept."""
    return json.dumps({"type": refusal.type_name, "message": str(refusal)})


def _kept_refusal(name: str, message: str) -> Refused:
    """Return a refusal as it was kept: of its class, or, where that is unknown, under its name."""
    for kind in _kinds(Refused):
        if kind.__name__ == name:
            with suppress(Exception):
                # Past its constructor, which need not take the message.
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
