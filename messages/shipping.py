"""Requests to the shipping service, and its answers."""

from __future__ import annotations

from messages.base import Command, Identifier, Reply


class PrepareShipping(Command):
    """Book a shipment."""

    user_id: Identifier
    address: str


class Shipment(Reply):
    """A shipment was booked."""

    shipment_id: str
    tracking_number: str
