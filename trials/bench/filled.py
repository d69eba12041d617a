"""Ledgers with a long history, filled within minutes."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from uuid import uuid4

from messages.ids import order_saga_id
from messages.orders import Order
from messages.participants import requests_of
from services.fence import fence
from services.inventory import InventoryService
from services.journal import journal
from services.loyalty import LoyaltyService
from services.mock import Services, open_services
from services.payment import PaymentService
from services.shipping import ShippingService
from settings import Settings

_AT_ONCE = 50_000
#: Of so many orders one customer places one.
_ORDERS_EACH = 10
#: Columns that contain the id of the order, of its run or of its customer, in any form.
_NAMING = {"key", "saga_id", "run_id", "order_id", "request", "answer", "account", "reference"}
#: Copies of the accounts that the copied orders have. An opening balance is whatever the journal
#: leaves of the present one.
_ACCOUNTS = {
    "inventory": (
        "UPDATE stock SET opening = on_hand -"
        " (SELECT coalesce(sum(amount), 0) FROM journal WHERE account = item)",
    ),
    "payment": (
        "INSERT OR IGNORE INTO credit SELECT account, currency, 0, 0 FROM journal",
        "UPDATE credit SET available = 1000000, opening = 1000000 - moved FROM"
        " (SELECT account, currency AS unit, sum(amount) AS moved FROM journal"
        " GROUP BY account, currency) WHERE account = user_id AND unit = currency",
    ),
    "shipping": (
        "INSERT OR IGNORE INTO shipments SELECT account, account, 'any', 'any', 'any', NULL,"
        " 'preparing' FROM journal",
    ),
    "loyalty": (
        "INSERT OR IGNORE INTO points SELECT account, currency, 0, 0, 0 FROM journal",
        "UPDATE points SET opening = balance - moved FROM"
        " (SELECT account, currency AS unit, sum(amount) AS moved FROM journal"
        " GROUP BY account, currency) WHERE account = user_id AND unit = currency",
    ),
}


def fill(settings: Settings, order: Order, orders: int, *, after: int = 0) -> None:
    """Fill the ledgers with orders that succeeded and are sealed, and whose books add up.

    The services process the first order, and the others are copies of its rows.

    Args:
        settings: name the ledgers.
        order: the first order.
        orders: the number of orders.
        after: the number of orders that earlier calls have made.
    """
    if not after:
        run_id = str(uuid4())
        with closing(open_services(settings.ledger_urls())) as services:
            _place(services, order, run_id)
            for service in settings.ledger_urls():
                services.records(service).seal([run_id])
    for service, url in settings.ledger_urls().items():
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            for first in range(max(after, 1), after + orders, _AT_ONCE):
                with connection:
                    last = min(first + _AT_ONCE, after + orders) - 1
                    _copy(connection, order, first, last)
            with connection:
                for statement in _ACCOUNTS[service]:
                    connection.execute(statement)


def _place(services: Services, order: Order, run_id: str) -> None:
    requests = requests_of(order, order_saga_id(order.order_id), run_id)
    services.get(InventoryService).reserve(requests["reserve_inventory"])  # type: ignore[arg-type]
    services.get(PaymentService).charge(requests["process_payment"])  # type: ignore[arg-type]
    services.get(ShippingService).prepare(requests["prepare_shipping"])  # type: ignore[arg-type]
    services.get(LoyaltyService).award(requests["award_loyalty_points"])  # type: ignore[arg-type]


def _copy(connection: sqlite3.Connection, order: Order, first: int, last: int) -> None:
    """Copy the first order's rows; like Temporal's, the run ids increase with time."""
    run_id, key, answer = connection.execute(
        "SELECT run_id, key, answer FROM fence WHERE order_id = ?", (order.order_id,)
    ).fetchone()
    renamed = (
        "replace(replace(replace(replace({0}, :order, :order || '-' || n),"
        " :run, printf('%08x', n) || substr(:run, 9)), :user, :user || '-' || (n / :each)),"
        " :shipment, printf('ship_%08x', n))"
    )
    given = {
        "first": first,
        "last": last,
        "key": key,
        "order": order.order_id,
        "run": run_id,
        "user": order.user_id,
        "each": _ORDERS_EACH,
        "shipment": "".join(re.findall(r"ship_\w{8}", answer)),
    }
    for table in (fence, journal):
        columns = [column.name for column in table.columns if column.name not in ("id", "audited")]
        values = ", ".join(renamed.format(name) if name in _NAMING else name for name in columns)
        connection.execute(
            "WITH RECURSIVE copy (n) AS"
            " (SELECT :first UNION ALL SELECT n + 1 FROM copy WHERE n < :last)"
            f" INSERT INTO {table.name} ({', '.join(columns)}) SELECT {values}"
            f" FROM {table.name}, copy WHERE key = :key",
            given,
        )
