"""The idempotency fence: what became of each operation, in one transaction with its effect.

A row per idempotency key. Whoever inserts it first decides: the action makes it
*applied* or *refused*, the compensation makes it *reversed*, and so a compensation that
overtakes its action leaves a tombstone that keeps the late action out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import Enum
from typing import NamedTuple, TypeVar

from sqlalchemy import Column, Connection, Index, Table, Text, select, update

from messages.base import Command, Message, Reversal
from messages.failures import (
    IdempotencyConflict,
    OperationReversed,
    PermanentFailure,
    Refused,
)
from messages.ids import OperationId
from services.ledger import Ledger, insert_new, metadata, utc_now

C = TypeVar("C", bound=Command)
A = TypeVar("A", bound=Message)


class State(str, Enum):
    """What became of an operation."""

    APPLIED = "applied"  #: its effect stands
    REFUSED = "refused"  #: the service said no; there never was an effect
    REVERSED = "reversed"  #: undone, or forbidden before it arrived


fence = Table(
    "fence",
    metadata,
    Column("key", Text, primary_key=True),
    Column("saga_id", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    #: The request, in canonical JSON: another one under the same key is a conflict.
    Column("request", Text, nullable=False),
    #: What the action was answered, in JSON: the answer, or the refusal.
    Column("answer", Text),
    #: What the compensation was answered, in JSON.
    Column("reversal", Text),
    #: Times are UTC.
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
)
Index("fence_run", fence.c.run_id)


class _Decided(NamedTuple):
    key: str
    state: str
    request: str
    answer: str
    reversal: str


class Fence:
    """Lets each operation of a ledger take effect at most once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def act(self, request: C, answer: type[A], effect: Callable[[Connection, C], A]) -> A:
        """Have the effect unless the operation is already decided; return its answer.

        ``effect`` may raise :class:`Refused` at any point; what it wrote is taken back and
        the refusal is kept as the answer.

        Raises:
            Refused: by ``effect``, now or the first time.
            OperationReversed: the compensation came first.
            IdempotencyConflict: the key belongs to another request.
        """
        refusal: Refused | None = None
        with self._ledger.transaction() as tx:
            decided = _claim(tx, request, State.APPLIED)
            if decided is not None:
                return _repeat(decided, answer)
            try:
                with tx.begin_nested():
                    given = effect(tx, request)
                _decide(tx, request, State.APPLIED, answer=given.model_dump_json())
            except Refused as error:
                refusal = error
                _decide(tx, request, State.REFUSED, answer=_refusal_json(error))
        if refusal is not None:
            raise refusal
        return given

    def undo(self, request: C, effect: Callable[[Connection, C], None]) -> Reversal:
        """Undo what stands of the operation, and keep its action out from now on.

        Raises:
            IdempotencyConflict: the key belongs to another request.
        """
        with self._ledger.transaction() as tx:
            decided = _claim(tx, request, State.REVERSED)
            if decided is not None and decided.state == State.REFUSED:
                return Reversal(had_effect=False)
            if decided is not None and decided.state == State.REVERSED:
                return Reversal.model_validate_json(decided.reversal)
            stood = decided is not None
            if stood:
                effect(tx, request)
            reversal = Reversal(had_effect=stood)
            _decide(tx, request, State.REVERSED, reversal=reversal.model_dump_json())
            return reversal


def _claim(tx: Connection, request: Command, state: State) -> _Decided | None:
    """Insert the operation's row, or return the one that is there, locked.

    Inserting first makes two attempts that arrive together wait for each other, whether or
    not the database locks rows that do not exist yet.
    """
    canonical = _canonical(request)
    if insert_new(tx, fence, _new_row(request, canonical, state)):
        return None
    decided = fence.c
    row = tx.execute(
        select(decided.key, decided.state, decided.request, decided.answer, decided.reversal)
        .where(decided.key == request.idempotency_key)
        .with_for_update()
    ).one()
    found = _Decided(*row)
    if found.request != canonical:
        raise IdempotencyConflict(
            f"{request.idempotency_key} was used before with a different request"
        )
    return found


def _new_row(request: Command, canonical: str, state: State) -> dict[str, str]:
    try:
        operation = OperationId.parse(request.idempotency_key)
    except ValueError as error:
        raise PermanentFailure(str(error)) from error
    now = utc_now()
    return {
        "key": request.idempotency_key,
        **operation._asdict(),
        "order_id": request.order_id,
        "state": state.value,
        "request": canonical,
        "created_at": now,
        "updated_at": now,
    }


def _decide(tx: Connection, request: Command, state: State, **outcome: str) -> None:
    tx.execute(
        update(fence)
        .where(fence.c.key == request.idempotency_key)
        .values(state=state.value, updated_at=utc_now(), **outcome)
    )


def _repeat(decided: _Decided, answer: type[A]) -> A:
    if decided.state == State.REVERSED:
        raise OperationReversed(f"{decided.key} was already compensated")
    if decided.state == State.REFUSED:
        kept = json.loads(decided.answer)
        raise _kept_refusal(kept["type"], kept["message"])
    return answer.model_validate_json(decided.answer)


def _refusal_json(refusal: Refused) -> str:
    return json.dumps({"type": refusal.type_name, "message": str(refusal)})


def _kept_refusal(name: str, message: str) -> Refused:
    """A refusal as it was kept: of its class, or, where that is not known, under its name."""
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


def _canonical(request: Command) -> str:
    # Without the fields that are not set, so that a field added later does not turn the
    # requests of running sagas into conflicts.
    fields = request.model_dump(mode="json", exclude_none=True)
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))
