"""Fence of a ledger: the state of each operation, written in the transaction of its effect.

The table has one row per idempotency key. The first request inserts it: an action as *applied*
or *refused*, a compensation as *reversed*, an operator's decision as *settled*. So a compensation
or a decision that arrives before its action leaves a tombstone, and the late action is refused.

For an order and a step, at most one effect stands, over all runs of the order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    Table,
    Text,
    select,
    update,
)

from messages.base import Command, Message, Reversal
from messages.failures import (
    IdempotencyConflict,
    OrderAlreadyPlaced,
    PermanentFailure,
    Refused,
)
from messages.ids import OperationId
from messages.settling import Settle
from services.decided import Decided, State, canonical_json, refusal_json, repeat, undone
from services.ledger import Ledger
from services.sql import Clock, insert_new, metadata, utc_now

C = TypeVar("C", bound=Command)
A = TypeVar("A", bound=Message)


fence = Table(
    "fence",
    metadata,
    Column("key", Text, primary_key=True),
    Column("saga_id", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    #: The request, in canonical JSON. Another request with the same key is a conflict. Empty
    #: when an operator settled the operation before the service received a request.
    Column("request", Text, nullable=False),
    #: The answer to the action, in JSON: its reply, or the refusal.
    Column("answer", Text),
    #: The answer to the compensation, in JSON.
    Column("reversal", Text),
    #: An operator's decision, in JSON.
    Column("settlement", Text),
    #: Time at which the effect was sealed, in seconds since 1970; 0 if it is not sealed.
    Column("sealed", BigInteger, nullable=False, server_default="0"),
    #: 0, except in ledgers migrated from format 1: there it numbers effects that stood twice.
    Column("twin", Integer, nullable=False, server_default="0"),
    #: The state in which an audit has proved the operation. So a change of the state makes it
    #: unproved again: see :mod:`services.audited`.
    Column("audited", Text, nullable=False, server_default=""),
    #: Times are UTC, in ISO 8601.
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
)
_stands = fence.c.state == State.APPLIED.value
Index("fence_run", fence.c.run_id)
Index("fence_order", fence.c.order_id)
# Even if the code has a mistake, an order cannot have a new effect twice.
Index(
    "fence_standing",
    *(fence.c.order_id, fence.c.step, fence.c.twin),
    unique=True,
    sqlite_where=_stands,
    postgresql_where=_stands,
)
# A reconciliation reads only the rows of this index, however many orders there have been.
_unsealed = _stands & (fence.c.sealed == 0)
Index("fence_unsealed", fence.c.run_id, sqlite_where=_unsealed, postgresql_where=_unsealed)
# The next audit reads only the rows of this index. An operator's decision may leave the state as
# it is, so each audit looks at it.
unaudited = (fence.c.audited != fence.c.state) | fence.c.settlement.is_not(None)
Index("fence_unaudited", fence.c.run_id, sqlite_where=unaudited, postgresql_where=unaudited)
_sealed = fence.c.sealed > 0
Index("fence_sealed", fence.c.sealed, sqlite_where=_sealed, postgresql_where=_sealed)


class _OtherStands(Exception):
    """The same effect stands for another run of the order; the message names that run."""


class Fence:
    """Fence of one ledger, which allows each operation at most one effect."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def act(self, request: C, answer: type[A], effect: Callable[[Connection, C], A]) -> A:
        """Run ``effect`` unless the operation is already decided; return the answer.

        ``effect`` may raise :class:`Refused` at any point. What it has written is then rolled
        back, and the refusal is stored as the answer.

        Raises:
            Refused: ``effect`` refuses, or did so the first time. :class:`OrderAlreadyPlaced`
                if the order already has this effect in another run.
            OperationReversed: the operation was compensated or settled before.
            IdempotencyConflict: the key was used with another request.
        """
        refusal: Refused | None = None
        with self._ledger.transaction() as tx:
            try:
                decided = _claim(tx, request, State.APPLIED)
            except _OtherStands as other:
                refusal = OrderAlreadyPlaced(str(other))
                decided = _claim(tx, request, State.REFUSED)
            if decided is not None:
                return repeat(decided, answer)
            try:
                if refusal is None:
                    with tx.begin_nested():
                        given = effect(tx, request)
                    _decide(tx, request, State.APPLIED, answer=given.model_dump_json())
            except Refused as error:
                refusal = error
            if refusal is not None:
                _decide(tx, request, State.REFUSED, answer=refusal_json(refusal))
        if refusal is not None:
            raise refusal
        return given

    def undo(self, request: C, effect: Callable[[Connection, C], None]) -> Reversal:
        """Undo the effect of the operation if it stands, and refuse its action from now on.

        Raises:
            IdempotencyConflict: the key was used with another request.
        """
        with self._ledger.transaction() as tx:
            decided = _claim(tx, request, State.REVERSED)
            if decided is not None and decided.state != State.APPLIED:
                return undone(decided)
            stood = decided is not None
            if stood:
                effect(tx, request)
            reversal = Reversal(had_effect=stood)
            _decide(tx, request, State.REVERSED, reversal=reversal.model_dump_json())
            return reversal

    def settle(self, request: Settle) -> Reversal:
        """Record an operator's decision. It moves nothing, and only the first decision counts.

        Raises:
            PermanentFailure: the decision is to keep an effect that does not stand.
        """
        by_hand = request.resolution.model_dump_json()
        with self._ledger.transaction() as tx:
            if request.decision == "kept":
                return self._keep(tx, request, by_hand)
            row = _new_row(tx, request, "", State.SETTLED) | {"settlement": by_hand}
            if not insert_new(tx, fence, row):
                decided = _locked(tx, request.idempotency_key)
                if decided is None or decided.state != State.APPLIED:
                    return Reversal(had_effect=False) if decided is None else undone(decided)
                _decide(tx, request, State.SETTLED, settlement=by_hand)
            return Reversal(had_effect=False, settled=request.resolution)

    def _keep(self, tx: Connection, request: Settle, by_hand: str) -> Reversal:
        decided = _locked(tx, request.idempotency_key)
        if decided is None or decided.state != State.APPLIED:
            raise PermanentFailure(f"nothing of {request.idempotency_key} stands that can be kept")
        now = Clock(tx).unix_seconds
        _decide(tx, request, State.APPLIED, settlement=by_hand, sealed=now)
        return Reversal(had_effect=False, settled=request.resolution)


def _claim(tx: Connection, request: Command, state: State) -> Decided | None:
    """Insert the operation's row; return the existing row, locked, if there is one.

    The insertion comes first. So of two attempts that arrive together, one waits for the other,
    even if the database cannot lock rows that do not exist yet.
    """
    canonical = canonical_json(request)
    row = _new_row(tx, request, canonical, state)
    while not insert_new(tx, fence, row):
        found = _locked(tx, request.idempotency_key)
        if found is None:
            # The insertion failed because of another run's effect, which may be undone by now.
            _check_that_no_other_stands(tx, row)
            continue
        if found.state != State.SETTLED and found.request != canonical:
            raise IdempotencyConflict(
                f"{request.idempotency_key} was used before with a different request"
            )
        return found
    return None


def _locked(tx: Connection, key: str) -> Decided | None:
    f = fence.c
    row = tx.execute(
        select(f.key, f.state, f.request, f.answer, f.reversal, f.settlement)
        .where(f.key == key)
        .with_for_update()
    ).one_or_none()
    return None if row is None else Decided(*row)


def _check_that_no_other_stands(tx: Connection, row: Mapping[str, object]) -> None:
    f = fence.c
    for other in tx.execute(
        select(f.saga_id, f.run_id).where(
            f.order_id == row["order_id"], f.step == row["step"], _stands
        )
    ):
        raise _OtherStands(
            f"order {row['order_id']!r} was placed before, and its {row['step']} stands:"
            f" {other.saga_id}, run {other.run_id}"
        )


def _new_row(
    tx: Connection, request: Command, canonical: str, state: State
) -> dict[str, str | ColumnElement[str]]:
    try:
        operation = OperationId.parse(request.idempotency_key)
    except ValueError as error:
        raise PermanentFailure(str(error)) from error
    now = utc_now(tx)
    return {
        "key": request.idempotency_key,
        **operation._asdict(),
        "order_id": request.order_id,
        "state": state.value,
        "request": canonical,
        "created_at": now,
        "updated_at": now,
    }


def _decide(tx: Connection, request: Command, state: State, **outcome: str | int) -> None:
    tx.execute(
        update(fence)
        .where(fence.c.key == request.idempotency_key)
        .values(state=state.value, updated_at=utc_now(tx), **outcome)
    )
