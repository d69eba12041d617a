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

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, Table, Text

from messages.base import Command, Message, Reversal
from messages.failures import (
    PermanentFailure,
    Refused,
)
from messages.settling import Settle
from services.answers import Listener, Told, answer_to_undo, nobody, telling
from services.decided import Decided, State, refusal_json, repeat, undone
from services.ledger import Ledger
from services.operation_rows import Row, change, change_or_claim, claim, row_of
from services.sql import Clock, metadata

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
        row = row_of(request, State.APPLIED, answer=answer.model_dump_json())

        def claim_and_act(tx: Connection) -> Decided | None:
            decided = claim(tx, row)
            if decided is None:
                effect(tx, request, answer)
            return decided

        with self._telling("applied") as told:
            try:
                decided = self._ledger.transact(claim_and_act)
                if decided is None:
                    return answer
            except Refused as refusal:
                decided = self._refuse(row, refusal)
                if decided is None:
                    raise
            told.answer = "repeated"
            return repeat(decided, type(answer))

    def _refuse(self, row: Row, refusal: Refused) -> Decided | None:
        """Store a refusal, unless another attempt has decided the operation since the rollback."""
        refused = {**row, "state": State.REFUSED.value, "answer": refusal_json(refusal)}
        return self._ledger.transact(lambda tx: claim(tx, refused))

    def undo(self, request: C, effect: Callable[[Connection, C], None]) -> Reversal:
        """Undo the effect of the operation if it stands, and refuse its action from now on.

        Raises:
            IdempotencyConflict: the key was used with another request.
        """
        undid, nothing = Reversal(had_effect=True), Reversal(had_effect=False)
        tombstone = row_of(request, State.REVERSED, reversal=nothing.model_dump_json())
        counterpart: Row = {**tombstone, "reversal": undid.model_dump_json()}

        def take_back(tx: Connection) -> tuple[str, Reversal]:
            stood, decided = change_or_claim(tx, counterpart, tombstone)
            if decided is not None:
                return answer_to_undo(decided.state), undone(decided)
            if not stood:
                return "nothing_to_reverse", nothing
            effect(tx, request)
            return "reversed", undid

        with self._telling("reversed") as told:
            told.answer, reversal = self._ledger.transact(take_back)
            return reversal

    def settle(self, request: Settle) -> Reversal:
        """Record an operator's decision. It moves nothing, and only the first decision counts.

        Raises:
            PermanentFailure: the decision is to keep an effect that does not stand.
        """
        settled = Reversal(had_effect=False, settled=request.resolution)
        row = row_of(request, State.SETTLED, settlement=request.resolution.model_dump_json())

        def decide(tx: Connection) -> tuple[str, Reversal]:
            if request.decision == "kept":
                kept: Row = {"state": State.APPLIED.value, "sealed": Clock(tx).unix_seconds}
                if not change(tx, {**row, **kept}):
                    raise PermanentFailure(f"nothing of {row['key']} stands that can be kept")
                return "settled", settled
            _, decided = change_or_claim(tx, row, row)
            return ("settled", settled) if decided is None else ("repeated", undone(decided))

        with self._telling("settled") as told:
            told.answer, reversal = self._ledger.transact(decide)
            return reversal

    def _telling(self, answer: str) -> AbstractContextManager[Told]:
        return telling(self._listener, self._ledger.service, answer)
