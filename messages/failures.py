"""Refusals and other failures of a service.

A service raises these classes, or its own subclasses of them. An activity passes them to the
workflow under their class name, and marks each :class:`Refused` as a refusal. All other errors
(a lost connection, a time-out, a full disk) pass unchanged: they say nothing about the effect,
and a retry may help.

An activity also uses the docstring of a class as the message of a failure that has none.
"""

from __future__ import annotations


class ServiceError(Exception):
    """A service's definite answer that it did not do what was asked; never retried."""

    #: Class name of a stored refusal whose class is unknown in this process.
    original_type: str | None = None

    @property
    def type_name(self) -> str:
        """Name of the failure's type for Temporal."""
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
    """The service failed, and a retry does not help; whether it did anything is unknown."""


class TransientFailure(Exception):
    """The service could not answer for a moment; whether it did anything is unknown."""


#: Detail of an activity's failure that is a refusal, whatever the name of its type: the step
#: needs no compensation.
REFUSAL = "no effect, now or ever"

#: Types of refusals before failures had that detail. Recorded histories contain such failures.
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
