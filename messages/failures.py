"""Refusals and other failures of a service.

A service raises these, or subclasses of its own; an activity carries them to the workflow under
their class name, and says of each :class:`Refused` that it is one.
Anything else that goes wrong (a lost connection, a time-out, a full disk) is left as it
is: it says nothing about the effect, and is worth another try.
"""

from __future__ import annotations


class ServiceError(Exception):
    """A service's definite answer that it did not do what was asked; never retried."""

    #: Its class's name, when it is the repetition of an answer whose class is not known here.
    original_type: str | None = None

    @property
    def type_name(self) -> str:
        """The name under which it travels."""
        return self.original_type or type(self).__name__


class Refused(ServiceError):
    """The service decided against the request: there is no effect, nor will there be."""


class UnknownItem(Refused):
    """The item is not in the catalogue."""


class OutOfStock(Refused):
    """There is less on hand than was asked for."""


class PaymentDeclined(Refused):
    """The customer's credit does not cover the amount."""


class AddressNotServiceable(Refused):
    """No carrier delivers to the address."""


class LoyaltyAccountClosed(Refused):
    """The customer's loyalty account takes no points."""


class OrderAlreadyPlaced(Refused):
    """The order has this effect already, in another run; it cannot have it twice."""


class OperationReversed(ServiceError):
    """The operation was already compensated; an action that arrives later stays undone."""


class IdempotencyConflict(ServiceError):
    """The idempotency key was used before with a different request."""


class PermanentFailure(ServiceError):
    """The service failed in a way that no retry mends, and does not say how far it came."""


class TransientFailure(Exception):
    """The service could not answer just now; whether it did anything is unknown."""


#: What the failure of an activity carries as its detail when it is a refusal, whatever its type
#: is called: the step needs no compensation.
REFUSAL = "no effect, now or ever"

#: Types that meant the same before failures carried that detail; histories hold such failures.
REFUSALS = frozenset(
    kind.__name__
    for kind in (
        UnknownItem,
        OutOfStock,
        PaymentDeclined,
        AddressNotServiceable,
        LoyaltyAccountClosed,
        OrderAlreadyPlaced,
    )
)
