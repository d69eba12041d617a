"""What the services are asked on behalf of an order: one place that makes the requests.

A key's second request has to be the first one's twin, or the service takes it for a
conflict; and not only the saga asks, but also who clears up after it.
"""

from __future__ import annotations

from messages.ids import OperationId
from messages.inventory import ReserveInventory
from messages.loyalty import AwardLoyaltyPoints
from messages.orders import Order
from messages.payment import ProcessPayment
from messages.shipping import PrepareShipping

#: The request of any step of an order; no two have the same fields.
StepRequest = ReserveInventory | ProcessPayment | PrepareShipping | AwardLoyaltyPoints

#: The step of an order that each service takes part in.
STEP_OF = {
    "inventory": "reserve_inventory",
    "payment": "process_payment",
    "shipping": "prepare_shipping",
    "loyalty": "award_loyalty_points",
}


def reserve_inventory(order: Order, key: str) -> ReserveInventory:
    """Set all its items aside."""
    return ReserveInventory(idempotency_key=key, order_id=order.order_id, items=order.items)


def process_payment(order: Order, key: str) -> ProcessPayment:
    """Charge its total."""
    return ProcessPayment(
        idempotency_key=key,
        order_id=order.order_id,
        user_id=order.user_id,
        amount=order.total_amount,
    )


def prepare_shipping(order: Order, key: str) -> PrepareShipping:
    """Book its shipment."""
    return PrepareShipping(
        idempotency_key=key,
        order_id=order.order_id,
        user_id=order.user_id,
        address=order.shipping_address,
    )


def award_loyalty_points(order: Order, key: str) -> AwardLoyaltyPoints:
    """Credit the points that it earns."""
    return AwardLoyaltyPoints(
        idempotency_key=key,
        order_id=order.order_id,
        user_id=order.user_id,
        points=order.loyalty_points,
    )


def requests_of(order: Order, saga_id: str, run_id: str) -> dict[str, StepRequest]:
    """Every request that a run makes for its order, by step, in the order of the steps."""
    makers = (reserve_inventory, process_payment, prepare_shipping, award_loyalty_points)
    return {
        make.__name__: make(order, str(OperationId(saga_id, run_id, make.__name__)))
        for make in makers
    }
