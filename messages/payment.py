"""Requests to the payment service, and its answers."""

from __future__ import annotations

from messages.base import Command, Identifier, Money, Reply


class ProcessPayment(Command):
    """Charge the customer."""

    user_id: Identifier
    amount: Money


class Payment(Reply):
    """The customer was charged."""

    transaction_id: str
