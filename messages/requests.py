"""The request of a step: made in one way, whoever makes it."""

from __future__ import annotations

from abc import abstractmethod

from typing_extensions import Self

from messages.base import Command, Identifier
from messages.orders import OrderFacts


class StepRequest(Command):
    """A service's request on behalf of an order; no two have the same fields.

    A key's second request has to be the first one's twin, or the service takes it for a
    conflict. It may be the saga that asks, a reaction to an event, or who clears up after them.
    """

    @classmethod
    @abstractmethod
    def of(cls, order: OrderFacts, key: str) -> Self:
        """Make the request for an order, under that idempotency key."""


class CustomerRequest(StepRequest):
    """A request that is about the customer, too."""

    user_id: Identifier
