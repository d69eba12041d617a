"""Effects of one order in the four ledgers, read directly from the databases."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select

from messages.payment import ProcessPayment
from services.audit.books import KEPT
from services.decided import State
from services.fence import fence
from services.journal import EntryKind, journal
from services.ledger import reading

#: Name of each service's effect on the scoreboard.
EFFECTS = {
    "inventory": "stock",
    "payment": "charge",
    "shipping": "shipment",
    "loyalty": "points",
}


class Effects:
    """The ledgers' word on one order."""

    def __init__(self, ledgers: Mapping[str, str], order_id: str) -> None:
        self._ledgers = ledgers
        self._order_id = order_id

    def standing(self) -> list[str]:
        """Return the effects that stand."""
        applied = (
            select(func.count())
            .select_from(fence)
            .where(fence.c.order_id == self._order_id, fence.c.state == State.APPLIED.value)
        )
        found = []
        for service in KEPT:
            with reading(service, self._ledgers[service]) as tx:
                if tx.execute(applied).scalar_one():
                    found.append(EFFECTS[service])
        return found

    def charges(self) -> int:
        """Count the charges of the customer, including refunded ones."""
        return self._payments("apply")

    def refunds(self) -> int:
        """Count the refunds of the payment service."""
        return self._payments("reverse")

    def charge(self) -> ProcessPayment:
        """Return the request of the charge, which is also that of the refund."""
        kept = select(fence.c.request).where(fence.c.order_id == self._order_id)
        with reading("payment", self._ledgers["payment"]) as tx:
            return ProcessPayment.model_validate_json(tx.execute(kept).scalar_one())

    def keys(self) -> list[str]:
        """Return the idempotency keys that the services know, service by service."""
        known = select(fence.c.key).where(fence.c.order_id == self._order_id)
        found: list[str] = []
        for service in KEPT:
            with reading(service, self._ledgers[service]) as tx:
                found += tx.execute(known).scalars()
        return found

    def _payments(self, kind: EntryKind) -> int:
        posted = (
            select(func.count())
            .select_from(journal.join(fence, fence.c.key == journal.c.key))
            .where(fence.c.order_id == self._order_id, journal.c.kind == kind)
        )
        with reading("payment", self._ledgers["payment"]) as tx:
            return tx.execute(posted).scalar_one()
