"""Mock shipping service: books shipments, and cancels them."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import (
    Column,
    Connection,
    Table,
    Text,
    case,
    insert,
    literal,
    select,
)

from messages.addresses import as_read
from messages.base import Reversal
from messages.failures import AddressNotServiceable
from messages.shipping import PrepareShipping, Shipment
from services.fault_injection import fault_calls
from services.fence import fence
from services.fenced_service import FencedService
from services.journal import journal, post, reverse
from services.kept import Kept
from services.sql import Statement, metadata

shipments = Table(
    "shipments",
    metadata,
    Column("shipment_id", Text, primary_key=True),
    Column("tracking_number", Text, nullable=False, unique=True),
    Column("order_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("phone", Text),
    #: ``preparing`` or ``cancelled``.
    Column("status", Text, nullable=False),
)

#: Names of regions where no carrier delivers. An address is refused if it contains one.
unserved_regions = Table("unserved_regions", metadata, Column("region", Text, primary_key=True))

_REGIONS = select(unserved_regions.c.region)
_BOOK = Statement("""
    INSERT INTO shipments (shipment_id, tracking_number, order_id, user_id, address, phone, status)
    VALUES (:shipment_id, :tracking_number, :order_id, :user_id, :address, :phone, 'preparing')
""")
_CANCEL = Statement("UPDATE shipments SET status = 'cancelled' WHERE shipment_id = :shipment_id")

TABLES = (fence, journal, fault_calls, shipments, unserved_regions)

UNSERVED_REGIONS = ("Antarctica", "Atlantis", "Point Nemo")


def open_balance(tx: Connection) -> None:
    """Enter the regions without delivery in a new ledger."""
    tx.execute(insert(unserved_regions), [{"region": region} for region in UNSERVED_REGIONS])


class ShippingService(FencedService):
    """Mock service that books shipments with carriers."""

    refusal = AddressNotServiceable("no carrier delivers to this address")

    def prepare(self, request: PrepareShipping) -> Shipment:
        """Book a shipment.

        Raises:
            AddressNotServiceable: no carrier delivers to the address.
        """
        number = uuid4().hex
        shipment = Shipment(
            shipment_id=f"ship_{number}", tracking_number=f"TRACK_{number[:16].upper()}"
        )
        return self._act(request, shipment, _prepare)

    def cancel(self, request: PrepareShipping) -> Reversal:
        """Cancel the shipment."""
        return self._undo(request, _cancel)


def _prepare(tx: Connection, request: PrepareShipping, shipment: Shipment) -> None:
    address = as_read(request.address).casefold()
    for region in tx.execute(_REGIONS).scalars():
        if region.casefold() in address:
            raise AddressNotServiceable(f"no carrier delivers to {region}")
    _BOOK.run(
        tx,
        {
            **shipment.model_dump(),
            "order_id": request.order_id,
            "user_id": request.user_id,
            "address": request.address,
            "phone": request.phone,
        },
    )
    booked = {shipment.shipment_id: 1}
    post(tx, request.idempotency_key, "apply", booked, shipment.shipment_id)


def _cancel(tx: Connection, request: PrepareShipping) -> None:
    for shipment_id in reverse(tx, request.idempotency_key):
        _CANCEL.run(tx, {"shipment_id": shipment_id})


SERVICE = ShippingService
BOOKS = Kept(
    unit="shipments",
    scale=lambda _: 1,
    sign=1,
    balances=select(
        shipments.c.shipment_id,
        literal(""),
        literal(0),
        case((shipments.c.status == "preparing", 1), else_=0),
    ),
    # Each shipment is an account of its own, which no request can name.
    asked=None,
)
