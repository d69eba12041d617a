"""Rows of the fence: how an operation claims its row, and how the row changes."""

from __future__ import annotations

from sqlalchemy import Connection, text

from messages.base import Command
from messages.failures import IdempotencyConflict, OrderAlreadyPlaced, PermanentFailure
from messages.ids import OperationId
from messages.settling import Settle
from services.decided import Decided, State, canonical_json
from services.sql import Statement

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
Row = dict[str, "str | int | None"]
_UNDECIDED: Row = {"answer": None, "reversal": None, "settlement": None, "sealed": None}


def row_of(request: Command, state: State, **outcome: str) -> Row:
    """Return a row with that outcome of the operation.

    Raises:
        PermanentFailure: the key is none of an operation.
    """
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


def claim(tx: Connection, row: Row) -> Decided | None:
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


def _of_same_request(decided: Decided, row: Row) -> Decided:
    # An operator's decision names the operation by its key alone.
    if row["request"] and decided.state != State.SETTLED and decided.request != row["request"]:
        raise IdempotencyConflict(f"{decided.key} was used before with a different request")
    return decided


def change(tx: Connection, row: Row) -> bool:
    """Change the operation's row to this one; return False if its effect does not stand."""
    return _CHANGE.run(tx, {**row, "request": row["request"] or None}) == 1


def change_or_claim(tx: Connection, changed: Row, new: Row) -> tuple[bool, Decided | None]:
    """Change the operation's row if its effect stands, or insert a new one.

    Returns whether it stood, and the existing row if there is one that cannot be changed.
    """
    while not change(tx, changed):
        decided = claim(tx, new)
        if decided is None or decided.state != State.APPLIED:
            return False, decided
        # Between the two statements, the action's transaction was committed.
    return True, None
