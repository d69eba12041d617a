"""Base classes of the requests for steps."""

from __future__ import annotations

from abc import abstractmethod

from typing_extensions import Self

from messages.base import Added, Command, Identifier
from messages.currencies import Currency
from messages.orders import OrderFacts


class StepRequest(Command):
    """Request to a service for one step of an order; no two services have the same fields.

    All requests with the same key must be equal, or the service reports a conflict. So ``of``
    makes each of them: for the saga, for a reaction to an event, and for the reconciler.
    """

    @classmethod
    @abstractmethod
    def of(cls, order: OrderFacts, key: str) -> Self:
        """Return the request for an order, with that idempotency key."""

    @property
    def currency_of_accounts(self) -> str:
        """Currency of the accounts that the request changes; empty for the shop's own, or none."""
        return ""


class CustomerRequest(StepRequest):
    """Request that also names the customer."""

    user_id: Identifier


class MoneyRequest(CustomerRequest):
    """Request about an amount of money, or of what is counted like money."""

    #: See :class:`~messages.orders.Order`.
    currency: Added[Currency] = None

    @property
    def currency_of_accounts(self) -> str:
        """See base class."""
        return self.currency or ""
