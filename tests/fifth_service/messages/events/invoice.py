"""Events of the invoice service."""

from __future__ import annotations

from typing import Literal

from messages.events.base import OrderEvent, Refusal, Undone


class InvoiceIssued(OrderEvent):
    """Event that says: the customer has received the invoice."""

    type: Literal["InvoiceIssued"] = "InvoiceIssued"
    number: str


class InvoiceRefused(Refusal):
    """Event that says: the customer cannot receive an invoice."""

    type: Literal["InvoiceRefused"] = "InvoiceRefused"


class InvoiceVoided(Undone):
    """Event that says: no invoice for the order is valid, now or later."""

    type: Literal["InvoiceVoided"] = "InvoiceVoided"
