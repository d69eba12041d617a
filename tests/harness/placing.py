"""Orders that are placed and brought as far as a test needs them."""

from __future__ import annotations

from messages.orders import Order
from messages.sagas import SagaStatus
from tests.harness.deliveries import DeliveryHandle, delivery, until_parked
from tests.harness.progress import until_retrying
from tests.harness.shop import Handle, Shop
from tests.harness.waiting import until


async def half_done(shop: Shop, order: Order) -> Handle:
    """Place an order that has its first two effects, while shipping is down."""
    handle = await shop.place(order)
    await until_retrying(handle, "prepare_shipping")
    return handle


async def parked(shop: Shop, order: Order) -> Handle:
    """Place an order that turns back, and of which a compensation waits for an operator."""
    handle = await shop.place(order, skip_time=True)
    await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
    return handle


async def until_stands(shop: Shop, order: Order, *steps: str) -> None:
    """Wait until the effects of these steps stand, and of no others."""

    async def stands() -> bool:
        return set(shop.standing(order)) == set(steps)

    await until(stands)


async def with_dead_letter(shop: Shop, order: Order, name: str) -> tuple[Handle, DeliveryHandle]:
    """Place an order of which the delivery of that name is parked."""
    handle = await shop.place(order)
    letter = delivery(shop, handle, name)
    await until_parked(letter)
    return handle, letter
