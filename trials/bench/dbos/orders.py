"""Order saga on DBOS, in the environment of its own: ``python -m trials.bench.dbos.orders``.

It takes the same four steps at the same services as the bare workflow, written as the documentation
of DBOS does. It reads orders from standard input and tells on standard output how each has ended,
both as lines of JSON, until the input ends.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sqlite3
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID

from messages.ids import OperationId
from messages.inventory import Reservation, ReserveInventory
from messages.loyalty import AwardLoyaltyPoints, PointsAward
from messages.orders import Order
from messages.payment import Payment, ProcessPayment
from messages.shipping import PrepareShipping, Shipment
from services.inventory import InventoryService
from services.loyalty import LoyaltyService
from services.mock import Services, open_services
from services.payment import PaymentService
from services.shipping import ShippingService

#: As many as the bare workflow's worker has for its activities.
_THREADS = 100

_services: Services


@DBOS.workflow()
def place_order(order: Order) -> str:
    """Take the four steps, or undo those that were taken."""
    undos: list[Callable[[Order], None]] = []
    try:
        reserve_inventory(order)
        undos.append(release_inventory)
        process_payment(order)
        undos.append(refund_payment)
        prepare_shipping(order)
        undos.append(cancel_shipment)
        award_loyalty_points(order)
    except Exception:
        for undo in reversed(undos):
            undo(order)
        raise
    return "SUCCESS"


@DBOS.step()
def reserve_inventory(order: Order) -> Reservation:
    return _services.get(InventoryService).reserve(_reservation(order))


@DBOS.step()
def release_inventory(order: Order) -> None:
    _services.get(InventoryService).release(_reservation(order))


@DBOS.step()
def process_payment(order: Order) -> Payment:
    return _services.get(PaymentService).charge(_charge(order))


@DBOS.step()
def refund_payment(order: Order) -> None:
    _services.get(PaymentService).refund(_charge(order))


@DBOS.step()
def prepare_shipping(order: Order) -> Shipment:
    return _services.get(ShippingService).prepare(_shipment(order))


@DBOS.step()
def cancel_shipment(order: Order) -> None:
    _services.get(ShippingService).cancel(_shipment(order))


@DBOS.step()
def award_loyalty_points(order: Order) -> PointsAward:
    request = AwardLoyaltyPoints.of(order, _key("award_loyalty_points"))
    return _services.get(LoyaltyService).award(request)


def _reservation(order: Order) -> ReserveInventory:
    return ReserveInventory.of(order, _key("reserve_inventory"))


def _charge(order: Order) -> ProcessPayment:
    return ProcessPayment.of(order, _key("process_payment"))


def _shipment(order: Order) -> PrepareShipping:
    return PrepareShipping.of(order, _key("prepare_shipping"))


def _key(step: str) -> str:
    # DBOS has no run ids: a workflow id is used once.
    workflow_id = DBOS.workflow_id or ""
    return str(OperationId(workflow_id, workflow_id, step))


class _WriteAhead(sqlite3.Connection):
    """Connection with the settings that our embedded Temporal server has for its database."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute("PRAGMA journal_mode = WAL")
        self.execute("PRAGMA synchronous = NORMAL")


def _serve(line: str) -> None:
    order = Order.model_validate_json(line)
    refused = False
    try:
        with SetWorkflowID(f"dbos_{order.order_id}"):
            place_order(order)
    except Exception:
        refused = True
    _say({"order_id": order.order_id, "refused": refused})


def _say(what: dict[str, object]) -> None:
    # One write for a line, so that those of several threads do not mix.
    os.write(sys.stdout.fileno(), f"{json.dumps(what)}\n".encode())


def main() -> None:
    """Place the orders of standard input, each in a thread of its own."""
    global _services
    chosen = json.loads(sys.argv[1])
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": chosen["database"],
        "log_level": "ERROR",
    }
    if chosen["tuned"]:
        config["db_engine_kwargs"] = {"connect_args": {"factory": _WriteAhead}}
    DBOS(config=config)
    with closing(open_services(chosen["ledgers"])) as _services:
        DBOS.launch()
        _say({"version": importlib.metadata.version("dbos")})
        with ThreadPoolExecutor(_THREADS) as threads:
            for line in sys.stdin:
                threads.submit(_serve, line)
        DBOS.destroy()


if __name__ == "__main__":
    main()
