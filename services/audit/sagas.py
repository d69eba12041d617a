"""Did each run of a saga leave all of its effects, or none?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from messages.base import Command
from messages.inventory import ReserveInventory
from messages.loyalty import AwardLoyaltyPoints
from messages.payment import ProcessPayment
from messages.runs import SagaFact
from messages.shipping import PrepareShipping
from services.audit.books import KEPT, Book, Operation
from services.fence import State

STEPS = tuple(kept.step for kept in KEPT.values())

Verdict = Literal["succeeded", "rolled_back", "in_flight", "violated"]


def runs(books: Iterable[Book]) -> dict[str, list[Operation]]:
    """The operations of all services, by run."""
    found: dict[str, list[Operation]] = {}
    for book in books:
        for operation in book.operations:
            found.setdefault(operation.run_id, []).append(operation)
    return found


def standing(operations: Sequence[Operation]) -> set[str]:
    """The steps whose effects stand."""
    return {operation.step for operation in operations if operation.state == State.APPLIED}


def verdict(stands: set[str], fact: SagaFact | None, *, may_be_open: bool) -> Verdict:
    """What became of a run whose effects ``stands``, given what Temporal knows of it."""
    if fact is not None and fact.status == "open":
        return "in_flight"
    if fact is not None and fact.status == "succeeded":
        return "succeeded" if stands.issuperset(STEPS) else "violated"
    by_hand = set(fact.resolved_manually) if fact is not None else set()
    if fact is not None and fact.status == "rolled_back":
        return "violated" if stands - by_hand else "rolled_back"
    if stands.issuperset(STEPS):
        return "succeeded"
    if not stands - by_hand:
        return "rolled_back"
    return "in_flight" if fact is None and may_be_open else "violated"


def violation(stands: set[str], fact: SagaFact | None) -> str:
    """Say in which way a run is violated."""
    ended = _ENDED[fact.status] if fact else "by the ledgers alone"
    if fact is not None and fact.status == "succeeded":
        return f"{ended}, but {_steps(set(STEPS) - stands)} left no effect"
    if fact is not None and fact.status == "rolled_back":
        return f"{ended}, but {_steps(stands - set(fact.resolved_manually))} stands"
    return f"{ended}: {_steps(stands)} stands, {_steps(set(STEPS) - stands)} does not"


def disagreements(operations: Sequence[Operation]) -> Iterator[str]:
    """Compare what the services were asked on behalf of one run: it was one order."""
    requests = [operation.request for operation in operations if operation.request is not None]
    yield from _differ("saga", {operation.saga_id for operation in operations})
    yield from _differ("order", {request.order_id for request in requests})
    yield from _differ(
        "customer",
        {
            request.user_id
            for request in requests
            if isinstance(request, (ProcessPayment, PrepareShipping, AwardLoyaltyPoints))
        },
    )
    yield from _money(requests)


def _money(requests: Sequence[Command]) -> Iterator[str]:
    charges = [request.amount for request in requests if isinstance(request, ProcessPayment)]
    for request in requests:
        for charge in charges:
            if isinstance(request, AwardLoyaltyPoints) and request.points * 100 != charge:
                yield f"{request.points} points are not 1 % of {charge}"
            if isinstance(request, ReserveInventory):
                prices = [item.price * item.quantity for item in request.items if item.price]
                if prices and sum(prices) != charge:
                    yield f"items worth {sum(prices)} were charged {charge}"


def _differ(what: str, values: set[str]) -> Iterator[str]:
    if len(values) > 1:
        yield f"one run, but more than one {what}: {', '.join(sorted(values))}"


def left_behind(fact: SagaFact | None) -> bool:
    """Whether nobody but the reconciler will mend such a run's violation."""
    return fact is not None and fact.status in ("rolled_back", "terminated", "gone")


_ENDED = {
    "open": "the saga is open",
    "succeeded": "the saga succeeded",
    "rolled_back": "the saga rolled back",
    "terminated": "the saga was terminated",
    "gone": "the saga is gone from Temporal",
}


def _steps(steps: set[str]) -> str:
    return " and ".join(step for step in STEPS if step in steps) or "no step"
