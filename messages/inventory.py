"""What the inventory service is asked and answers."""

from __future__ import annotations

from messages.base import Command, Message
from messages.orders import OrderItem


class ReserveInventory(Command):
    """Set stock aside for an order."""

    items: tuple[OrderItem, ...]


class Reservation(Message):
    """Stock was set aside."""

    reservation_id: str
