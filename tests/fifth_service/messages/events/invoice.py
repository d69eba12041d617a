"""Events of the invoice service."""

from __future__ import annotations

from typing import Literal

from messages.events.base import OrderEvent, Refusal, Undone


class InvoiceIssued(OrderEvent):
    """The customer has the invoice."""

    type: Literal["InvoiceIssued"] = "InvoiceIssued"
    version: Literal[1] = 1
    number: str


class InvoiceRefused(Refusal):
    """The customer cannot be billed."""

    type: Literal["InvoiceRefused"] = "InvoiceRefused"
    version: Literal[1] = 1


class InvoiceVoided(Undone):
    """No invoice for the order is valid any more, nor will be."""

    type: Literal["InvoiceVoided"] = "InvoiceVoided"
    version: Literal[1] = 1
