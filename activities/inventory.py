"""Stock is set aside, and put back."""

from __future__ import annotations

from temporalio import activity

from activities.failures import translated
from activities.ports import Inventory
from messages.base import Reversal
from messages.inventory import Reservation, ReserveInventory
from messages.settling import Settle


class InventoryActivities:
    """The inventory steps of a saga, over the inventory service."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    @activity.defn
    def reserve_inventory(self, request: ReserveInventory) -> Reservation:
        with translated():
            return self._inventory.reserve(request)

    @activity.defn
    def release_inventory(self, request: ReserveInventory) -> Reversal:
        with translated():
            return self._inventory.release(request)

    @activity.defn
    def settle_inventory(self, decision: Settle) -> Reversal:
        with translated():
            return self._inventory.settle(decision)
