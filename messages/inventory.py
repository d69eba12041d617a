"""Requests to the inventory service, and its answers."""

from __future__ import annotations

from messages.base import Command, Reply
from messages.orders import OrderItem


class ReserveInventory(Command):
    """Set stock aside for an order."""

    items: tuple[OrderItem, ...]


class Reservation(Reply):
    """Stock was set aside."""

    reservation_id: str
