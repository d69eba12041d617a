"""Records in a service's ledger, as the reconciler asks for them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from messages.ledgers import (
    FencedOperation,
    LedgerIdentity,
    RunOperation,
    UnsettledPage,
)
from messages.participants import STEP_OF
from messages.runs import RunRef
from services.audit.books import read_request
from services.decided import State
from services.fence import fence
from services.identity import close_gap, identity
from services.ledger import Ledger
from services.sql import Clock

_PAGE = 500

#: Limit of one transaction, so that it does not block the service for long.
_UNSEALED_AT_ONCE = 5_000

#: Seconds by which the clocks of two ledgers may differ. If a run is unsealed without need, the
#: reconciler seals it again.
_CLOCKS_DIFFER = 60


class LedgerRecords:
    """Records of one ledger.

    The methods raise :class:`~services.ledger.LedgerUnavailable` if the ledger cannot be used.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._step = STEP_OF[ledger.service]

    def identity(self) -> LedgerIdentity:
        """Return the ledger's service and home, and since when its records are complete."""
        # This notices if the ledger was restored from a backup since the last note.
        self._ledger.still_open()
        with self._ledger.transaction() as tx:
            return identity(tx)

    def unsettled(self, after: str) -> UnsettledPage:
        """List the runs that have a standing effect which is not sealed, one page at a time.

        An index has only these runs, so the time does not depend on the number of all orders.
        Run ids begin with the time, so the latest runs come first.
        """
        f = fence.c
        unsealed = [f.state == State.APPLIED.value, f.sealed == 0]
        with self._ledger.transaction() as tx:
            rows = tx.execute(
                select(f.saga_id, f.run_id)
                .where(*unsealed, *([f.run_id < after] if after else []))
                .order_by(f.run_id.desc())
                .limit(_PAGE)
            ).all()
        runs = tuple(RunRef(*row) for row in rows)
        return UnsettledPage(runs=runs, next=runs[-1].run_id if len(runs) == _PAGE else "")

    def operations(self, run_ids: Sequence[str]) -> tuple[RunOperation, ...]:
        """Return the states of these runs' operations, as far as the ledger knows them."""
        with self._ledger.transaction() as tx:
            return operations_in(tx, run_ids)

    def operation(self, run_id: str) -> FencedOperation | None:
        """Return the full record of one run's operation; None if the ledger does not know it."""
        f = fence.c
        with self._ledger.transaction() as tx:
            row = tx.execute(
                select(f.state, f.order_id, f.request).where(
                    f.run_id == run_id, f.step == self._step
                )
            ).one_or_none()
        if row is None:
            return None
        request = read_request(self._ledger.service, row.request)
        return FencedOperation(state=row.state, order_id=row.order_id, request=request)

    def seal(self, run_ids: Sequence[str]) -> int:
        """Seal the standing effects of these runs; return their number."""
        f = fence.c
        standing = f.run_id.in_(run_ids), f.state == State.APPLIED.value, f.sealed == 0

        def seal(tx: Connection) -> int:
            sealed = Clock(tx).unix_seconds
            return tx.execute(update(fence).where(*standing).values(sealed=sealed)).rowcount

        # An audit changes many of these rows, too, and in another order.
        return self._ledger.transact(seal)

    def unseal(self, seconds: float) -> int:
        """Unseal some of the effects that were sealed in the last ``seconds``.

        Effects that an operator has decided to keep stay sealed. Returns the number of unsealed
        effects. It is 0 when none is left.
        """
        f = fence.c

        def unseal(tx: Connection) -> int:
            since = Clock(tx).unix_seconds - math.ceil(seconds) - _CLOCKS_DIFFER
            some = (
                select(f.key)
                .where(f.sealed > 0, f.sealed >= since, f.settlement.is_(None))
                .order_by(f.sealed)
                .limit(_UNSEALED_AT_ONCE)
            )
            return tx.execute(update(fence).where(f.key.in_(some)).values(sealed=0)).rowcount

        return self._ledger.transact(unseal)

    def close_gap(self, until: str) -> bool:
        """Note that the other ledgers know of the gap that ended at ``until``.

        Returns False if the ledger has a newer gap.
        """
        with self._ledger.transaction() as tx:
            return close_gap(tx, until)


def operations_in(tx: Connection, run_ids: Sequence[str]) -> tuple[RunOperation, ...]:
    """Return the states of the operations of these runs in one ledger."""
    clock = Clock(tx)
    rows = tx.execute(select(fence).where(fence.c.run_id.in_(run_ids)))
    return tuple(
        RunOperation(
            run=RunRef(row.saga_id, row.run_id),
            order_id=row.order_id,
            state=row.state,
            sealed=bool(row.sealed),
            age_seconds=clock.seconds_since(row.created_at),
            quiet_seconds=clock.seconds_since(row.updated_at),
            decided_by_hand=row.settlement is not None,
        )
        for row in rows
    )
