"""Fence of a ledger: the state of each operation, written in the transaction of its effect.

The table has one row per idempotency key. The first request inserts it: an action as *applied*
or *refused*, a compensation as *reversed*, an operator's decision as *settled*. So a compensation
or a decision that arrives before its action leaves a tombstone, and the late action is refused.

For an order and a step, at most one effect stands, over all runs of the order.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, Table, Text, text

from messages.base import Command, Message, Reversal
from messages.failures import (
    IdempotencyConflict,
    OrderAlreadyPlaced,
    PermanentFailure,
    Refused,
)
from messages.ids import OperationId
from messages.settling import Settle
from services.answers import Listener, Told, answer_to_undo, nobody, telling
from services.decided import Decided, State, canonical_json, refusal_json, repeat, undone
from services.ledger import Ledger
from services.sql import Clock, Statement, metadata

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


_CLAIM = Statement("""
    INSERT INTO fence (key, saga_id, run_id, step, order_id, state, request, answer, reversal,
        settlement, created_at, updated_at)
    VALUES (:key, :saga_id, :run_id, :step, :order_id, :state, :request, :answer, :reversal,
        :settlement, {now}, {now})
    ON CONFLICT DO NOTHING
""")
#: A parameter that is NULL leaves its column as it is, or allows any request.
_CHANGE = Statement("""
    UPDATE fence SET state = :state, reversal = coalesce(:reversal, reversal),
        settlement = coalesce(:settlement, settlement), sealed = coalesce(:sealed, sealed),
        updated_at = {now}
    WHERE key = :key AND state = 'applied' AND request = coalesce(:request, request)
""")
#: The operation's row, and those of other runs of the order with the same effect.
_IN_THE_WAY = text(
    "SELECT key, state, request, answer, reversal, settlement, saga_id, run_id FROM fence"
    " WHERE key = :key OR (order_id = :order_id AND step = :step AND state = 'applied')"
)


#: Values of a row by column.
_Row = dict[str, "str | int | None"]
_UNDECIDED: _Row = {"answer": None, "reversal": None, "settlement": None, "sealed": None}


class Fence:
    """Fence of one ledger, which allows each operation at most one effect."""

    def __init__(self, ledger: Ledger, listener: Listener = nobody) -> None:
        self._ledger = ledger
        self._listener = listener

    def act(self, request: C, answer: A, effect: Callable[[Connection, C, A], None]) -> A:
        """Run ``effect`` unless the operation is already decided; return the answer.

        The row is inserted with ``answer``, so that a success needs no second write. ``effect``
        may raise :class:`Refused` at any point. The transaction is then rolled back, and the
        refusal is stored as the answer.

        Raises:
            Refused: ``effect`` refuses, or did so the first time. :class:`OrderAlreadyPlaced`
                if the order already has this effect in another run.
            OperationReversed: the operation was compensated or settled before.
            IdempotencyConflict: the key was used with another request.
        """
        row = _row(request, State.APPLIED, answer=answer.model_dump_json())
        with self._telling("applied") as told:
            try:
                with self._ledger.transaction() as tx:
                    decided = _claim(tx, row)
                    if decided is None:
                        effect(tx, request, answer)
                        return answer
            except Refused as refusal:
                decided = self._refuse(row, refusal)
                if decided is None:
                    raise
            told.answer = "repeated"
            return repeat(decided, type(answer))

    def _refuse(self, row: _Row, refusal: Refused) -> Decided | None:
        """Store a refusal, unless another attempt has decided the operation since the rollback."""
        with self._ledger.transaction() as tx:
            return _claim(
                tx, {**row, "state": State.REFUSED.value, "answer": refusal_json(refusal)}
            )

    def undo(self, request: C, effect: Callable[[Connection, C], None]) -> Reversal:
        """Undo the effect of the operation if it stands, and refuse its action from now on.

        Raises:
            IdempotencyConflict: the key was used with another request.
        """
        undid, nothing = Reversal(had_effect=True), Reversal(had_effect=False)
        tombstone = _row(request, State.REVERSED, reversal=nothing.model_dump_json())
        counterpart: _Row = {**tombstone, "reversal": undid.model_dump_json()}
        with self._telling("reversed") as told, self._ledger.transaction() as tx:
            while not _change(tx, counterpart):
                decided = _claim(tx, tombstone)
                if decided is None:
                    told.answer = "nothing_to_reverse"
                    return nothing
                if decided.state != State.APPLIED:
                    told.answer = answer_to_undo(decided.state)
                    return undone(decided)
                # Between the two statements, the action's transaction was committed.
            effect(tx, request)
            return undid

    def settle(self, request: Settle) -> Reversal:
        """Record an operator's decision. It moves nothing, and only the first decision counts.

        Raises:
            PermanentFailure: the decision is to keep an effect that does not stand.
        """
        settled = Reversal(had_effect=False, settled=request.resolution)
        row = _row(request, State.SETTLED, settlement=request.resolution.model_dump_json())
        with self._telling("settled") as told, self._ledger.transaction() as tx:
            if request.decision == "kept":
                row |= {"state": State.APPLIED.value, "sealed": Clock(tx).unix_seconds}
                if not _change(tx, row):
                    raise PermanentFailure(f"nothing of {row['key']} stands that can be kept")
                return settled
            while not _change(tx, row):
                decided = _claim(tx, row)
                if decided is None:
                    break
                if decided.state != State.APPLIED:
                    told.answer = "repeated"
                    return undone(decided)
            return settled

    def _telling(self, answer: str) -> AbstractContextManager[Told]:
        return telling(self._listener, self._ledger.service, answer)


def _row(request: Command, state: State, **outcome: str) -> _Row:
    try:
        operation = OperationId.parse(request.idempotency_key)
    except ValueError as error:
        raise PermanentFailure(str(error)) from error
    return {
        "key": request.idempotency_key,
        **operation._asdict(),
        "order_id": request.order_id,
        "state": state.value,
        "request": "" if isinstance(request, Settle) else canonical_json(request),
        **_UNDECIDED,
        **outcome,
    }


def _claim(tx: Connection, row: _Row) -> Decided | None:
    """Insert the operation's row; return the existing row if there is one.

    Of two attempts that arrive together, one waits here for the other, even if the database
    cannot lock rows that do not exist yet.
    """
    while not _CLAIM.run(tx, row):
        found = {each.key: each for each in tx.execute(_IN_THE_WAY, row)}
        own = found.pop(row["key"], None)
        if own is not None:
            return _of_same_request(Decided(*own[: len(Decided._fields)]), row)
        for other in found.values():
            raise OrderAlreadyPlaced(
                f"order {row['order_id']!r} was placed before, and its {row['step']} stands:"
                f" {other.saga_id}, run {other.run_id}"
            )
        # The effect of another run was in the way, and is undone by now.
    return None


def _of_same_request(decided: Decided, row: _Row) -> Decided:
    # An operator's decision names the operation by its key alone.
    if row["request"] and decided.state != State.SETTLED and decided.request != row["request"]:
        raise IdempotencyConflict(f"{decided.key} was used before with a different request")
    return decided


def _change(tx: Connection, row: _Row) -> bool:
    """Change the operation's row to this one; return False if its effect does not stand."""
    return _CHANGE.run(tx, {**row, "request": row["request"] or None}) == 1
