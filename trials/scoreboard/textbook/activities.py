"""Activities as in textbook samples: the undo needs the id from the action's reply."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import select
from temporalio import activity

from activities.failures import translated
from messages.base import Command
from messages.ids import OperationId
from messages.inventory import ReserveInventory
from messages.loyalty import AwardLoyaltyPoints
from messages.orders import OrderItem
from messages.payment import ProcessPayment
from messages.shipping import PrepareShipping
from services.fence import fence
from services.inventory import InventoryService
from services.journal import journal
from services.ledger import reading
from services.loyalty import LoyaltyService
from services.mock import Services
from services.payment import PaymentService
from services.shipping import ShippingService
from trials.scoreboard.textbook.orders import Cart

C = TypeVar("C", bound=Command)


class TextbookActivities:
    """Activities that use the same services as ours.

    Args:
        fresh_keys: send a new idempotency key with every attempt instead of one per step.
    """

    def __init__(self, services: Services, ledgers: Mapping[str, str], *, fresh_keys: bool) -> None:
        self._services = services
        self._ledgers = ledgers
        self._fresh_keys = fresh_keys

    @activity.defn
    def reserve_inventory(self, cart: Cart) -> str:
        items = tuple(OrderItem(id=item.id, quantity=item.quantity) for item in cart.items)
        request = ReserveInventory(**self._header(cart), items=items)
        with translated():
            return self._services.get(InventoryService).reserve(request).reservation_id

    @activity.defn
    def release_inventory(self, reservation_id: str | None) -> None:
        request = self._find("inventory", ReserveInventory, reservation_id)
        if request is not None:
            with translated():
                self._services.get(InventoryService).release(request)

    @activity.defn
    def process_payment(self, cart: Cart) -> str:
        amount = Decimal(str(cart.total_amount))
        request = ProcessPayment(**self._header(cart), user_id=cart.user_id, amount=amount)
        with translated():
            return self._services.get(PaymentService).charge(request).transaction_id

    @activity.defn
    def refund_payment(self, transaction_id: str | None) -> None:
        request = self._find("payment", ProcessPayment, transaction_id)
        if request is not None:
            with translated():
                self._services.get(PaymentService).refund(request)

    @activity.defn
    def prepare_shipping(self, cart: Cart) -> str:
        request = PrepareShipping(
            **self._header(cart), user_id=cart.user_id, address=cart.shipping_address
        )
        with translated():
            return self._services.get(ShippingService).prepare(request).shipment_id

    @activity.defn
    def cancel_shipment(self, shipment_id: str | None) -> None:
        request = self._find("shipping", PrepareShipping, shipment_id)
        if request is not None:
            with translated():
                self._services.get(ShippingService).cancel(request)

    @activity.defn
    def award_loyalty_points(self, cart: Cart) -> str:
        points = Decimal(str(cart.total_amount)) / 100
        request = AwardLoyaltyPoints(**self._header(cart), user_id=cart.user_id, points=points)
        with translated():
            return self._services.get(LoyaltyService).award(request).award_id

    @activity.defn
    def deduct_loyalty_points(self, award_id: str | None) -> None:
        request = self._find("loyalty", AwardLoyaltyPoints, award_id)
        if request is not None:
            with translated():
                self._services.get(LoyaltyService).deduct(request)

    def _header(self, cart: Cart) -> dict[str, str]:
        info = activity.info()
        run = str(uuid4()) if self._fresh_keys else info.workflow_run_id or ""
        key = OperationId(info.workflow_id or "", run, info.activity_type)
        return {"idempotency_key": str(key), "order_id": cart.order_id}

    def _find(self, service: str, command: type[C], reference: str | None) -> C | None:
        """Return the operation with the id from the reply; None without an id."""
        with reading(service, self._ledgers[service]) as tx:
            found = tx.execute(
                select(fence.c.request)
                .join(journal, journal.c.key == fence.c.key)
                .where(journal.c.reference == reference)
                .limit(1)
            ).scalar_one_or_none()
        return command.model_validate_json(found) if found else None
