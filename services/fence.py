"""Idempotency fence: what became of each operation, in one transaction with its effect.

A row per idempotency key. Whoever inserts it first decides: the action makes it
*applied* or *refused*, the compensation makes it *reversed*, an operator makes it *settled*.
So a compensation or a decision that overtakes its action leaves a tombstone that keeps the
late action out. Of one order and step at most one effect stands, whichever run it is of.
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
    #: The request, in canonical JSON: another one under the same key is a conflict. Empty
    #: when an operator settled the operation before the service had heard of it.
    Column("request", Text, nullable=False),
    #: What the action was answered, in JSON: the answer, or the refusal.
    Column("answer", Text),
    #: What the compensation was answered, in JSON.
    Column("reversal", Text),
    #: An operator's decision, in JSON.
    Column("settlement", Text),
    #: When it was found that an effect stands rightly and for good, so that nobody has to look
    #: at it again: seconds since 1970; 0 before.
    Column("sealed", BigInteger, nullable=False, server_default="0"),
    #: 0; more of an effect that stood beside another one before this was prevented.
    Column("twin", Integer, nullable=False, server_default="0"),
    #: Times are UTC.
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
)
_stands = fence.c.state == State.APPLIED.value
Index("fence_run", fence.c.run_id)
Index("fence_order", fence.c.order_id)
# Even a mistake in the code below cannot let an order have an effect twice.
Index(
    "fence_standing",
    *(fence.c.order_id, fence.c.step, fence.c.twin),
    unique=True,
    sqlite_where=_stands,
    postgresql_where=_stands,
)
# All that a reconciliation reads, however many orders there have been.
_unsealed = _stands & (fence.c.sealed == 0)
Index("fence_unsealed", fence.c.run_id, sqlite_where=_unsealed, postgresql_where=_unsealed)
_sealed = fence.c.sealed > 0
Index("fence_sealed", fence.c.sealed, sqlite_where=_sealed, postgresql_where=_sealed)


class _OtherStands(Exception):
    """The same effect of another run of the order stands; the message says of which."""


class Fence:
    """Fence of one ledger, which lets each operation take effect at most once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def act(self, request: C, answer: type[A], effect: Callable[[Connection, C], A]) -> A:
        """Have the effect unless the operation is already decided; return its answer.

        ``effect`` may raise :class:`Refused` at any point; what it wrote is taken back and
        the refusal is kept as the answer.

        Raises:
            Refused: by ``effect``, now or the first time; :class:`OrderAlreadyPlaced` when
                the order has this effect already, in another run.
            OperationReversed: the compensation came first, or an operator's decision.
            IdempotencyConflict: the key belongs to another request.
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
        """Undo what stands of the operation, and keep its action out from now on.

        Raises:
            IdempotencyConflict: the key belongs to another request.
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
        """Record an operator's decision, which moves nothing; the first one counts.

        Raises:
            PermanentFailure: an effect is to be kept that does not stand.
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
            raise PermanentFailure(f"nothing of {request.idempotency_key} stands to be kept")
        now = Clock(tx).unix_seconds
        _decide(tx, request, State.APPLIED, settlement=by_hand, sealed=now)
        return Reversal(had_effect=False, settled=request.resolution)


def _claim(tx: Connection, request: Command, state: State) -> Decided | None:
    """Insert the operation's row, or return the one that is there, locked.

    Inserting first makes two attempts that arrive together wait for each other, whether or
    not the database locks rows that do not exist yet.
    """
    canonical = canonical_json(request)
    row = _new_row(tx, request, canonical, state)
    while not insert_new(tx, fence, row):
        found = _locked(tx, request.idempotency_key)
        if found is None:
            # Not this key's row is in the way, but the effect of another run; or was.
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
