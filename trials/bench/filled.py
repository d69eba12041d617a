"""Ledgers with a long history, filled within a minute."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from uuid import uuid4

from messages.ids import order_saga_id
from messages.orders import Order
from messages.participants import requests_of
from services.fence import fence
from services.inventory import InventoryService
from services.loyalty import LoyaltyService
from services.mock import Services, open_services
from services.payment import PaymentService
from services.shipping import ShippingService
from settings import Settings

_AT_ONCE = 50_000
#: Columns that contain the id of the order or of its run, each in its own form.
_NAMING = ("key", "saga_id", "run_id", "order_id", "request", "answer")


def fill(settings: Settings, order: Order, orders: int) -> None:
    """Fill the ledgers with orders that succeeded and are sealed.

    The services process the first order. The others are copies of its fence rows only, because
    only an audit reads the journals.
    """
    run_id = str(uuid4())
    with closing(open_services(settings.ledger_urls())) as services:
        _place(services, order, run_id)
        for service in settings.ledger_urls():
            services.records(service).seal([run_id])
    for url in settings.ledger_urls().values():
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            _copy(connection, order.order_id, run_id, orders)


def _place(services: Services, order: Order, run_id: str) -> None:
    requests = requests_of(order, order_saga_id(order.order_id), run_id)
    services.get(InventoryService).reserve(requests["reserve_inventory"])  # type: ignore[arg-type]
    services.get(PaymentService).charge(requests["process_payment"])  # type: ignore[arg-type]
    services.get(ShippingService).prepare(requests["prepare_shipping"])  # type: ignore[arg-type]
    services.get(LoyaltyService).award(requests["award_loyalty_points"])  # type: ignore[arg-type]


def _copy(connection: sqlite3.Connection, order_id: str, run_id: str, orders: int) -> None:
    """Copy the first order's row; like Temporal's, the run ids increase with time."""
    renamed = "replace(replace({0}, :order, :order || '-' || n), :run, printf('%08x', n) || :rest)"
    columns = [column.name for column in fence.columns]
    values = ", ".join(renamed.format(name) if name in _NAMING else name for name in columns)
    copies = (
        "WITH RECURSIVE copy (n) AS"
        " (SELECT :first UNION ALL SELECT n + 1 FROM copy WHERE n < :last)"
        f" INSERT INTO fence ({', '.join(columns)}) SELECT {values} FROM fence, copy"
        " WHERE order_id = :order"
    )
    connection.execute("PRAGMA synchronous = OFF")
    for first in range(1, orders, _AT_ONCE):
        last = min(first + _AT_ONCE, orders) - 1
        with connection:
            connection.execute(
                copies,
                {
                    "order": order_id,
                    "run": run_id,
                    "rest": run_id[8:],
                    "first": first,
                    "last": last,
                },
            )
