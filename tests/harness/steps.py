"""Names of the services, of their steps and of what undoes these, as the ledgers have them."""

from __future__ import annotations

#: By service, its step of the saga.
ACTIONS = {
    "inventory": "reserve_inventory",
    "payment": "process_payment",
    "shipping": "prepare_shipping",
    "loyalty": "award_loyalty_points",
}
#: By service, the compensation of its step.
UNDOS = {
    "inventory": "release_inventory",
    "payment": "refund_payment",
    "shipping": "cancel_shipment",
    "loyalty": "deduct_loyalty_points",
}
SERVICES = tuple(ACTIONS)
#: The steps in their order.
STEPS = list(ACTIONS.values())
COMPENSATION_OF = dict(zip(ACTIONS.values(), UNDOS.values(), strict=True))


def before(step: str) -> list[str]:
    """Return the steps that come before this one."""
    return STEPS[: STEPS.index(step)]


def up_to(step: str) -> list[str]:
    """Return the steps that come before this one, and this one."""
    return [*before(step), step]
