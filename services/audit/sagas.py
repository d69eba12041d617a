"""Audit of the runs of sagas: each left all of its effects, or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple, cast

from messages.currencies import amount_in_words
from messages.inventory import ReserveInventory
from messages.ledgers import LedgerIdentity, OperationState
from messages.loyalty import AwardLoyaltyPoints
from messages.payment import ProcessPayment
from messages.requests import CustomerRequest, StepRequest
from messages.runs import SagaFact
from messages.verdicts import RunStates, doubt_of, in_words, judge
from services.audit.books import Operation
from services.sql import Clock, UnreadableTime

AuditVerdict = Literal["succeeded", "rolled_back", "in_flight", "violated"]


class Evidence(NamedTuple):
    """Evidence by which runs are judged, in addition to their operations."""

    #: True when Temporal was asked.
    asked: bool
    #: Time for which Temporal keeps a closed run.
    retention_seconds: float
    #: Identities of the ledgers, by service.
    ledgers: Mapping[str, LedgerIdentity]
    #: Clocks of the ledgers, by service, read after the identities.
    clocks: Mapping[str, Clock]


def verdict(
    operations: Sequence[Operation], fact: SagaFact | None, evidence: Evidence
) -> tuple[AuditVerdict, str]:
    """Return the verdict on a run, and what is wrong with it if it is a violation."""
    run = states(operations)
    if fact is None:
        return _by_the_ledgers(run, may_be_open=evidence.asked)
    judged = judge(run, fact, _doubt(operations, evidence) if fact.status == "gone" else None)
    if judged.verdict in ("left_behind", "unproved"):
        return "violated", judged.why
    return cast("AuditVerdict", judged.verdict), ""


def states(operations: Sequence[Operation]) -> RunStates:
    """Return the states of a run's steps."""
    return RunStates(
        {o.step: cast("OperationState", o.state) for o in operations},
        [o.step for o in operations if o.decided_by_hand],
    )


def _doubt(operations: Sequence[Operation], evidence: Evidence) -> str | None:
    try:
        ages = [evidence.clocks[o.service].seconds_since(o.created_at) for o in operations]
    except UnreadableTime as error:
        return str(error)
    return doubt_of(max(ages, default=0.0), evidence.retention_seconds, evidence.ledgers)


def proved_by_the_ledgers(
    found: AuditVerdict, operations: Sequence[Operation], fact: SagaFact | None
) -> bool:
    """Tell whether the verdict stays the same without Temporal, which forgets the run.

    A decision of an operator may rest on what Temporal knows, so it is not proved in this sense.
    """
    if any(operation.decided_by_hand for operation in operations):
        return False
    if fact is not None and fact.resolved_manually:
        return False
    alone, _ = _by_the_ledgers(states(operations), may_be_open=False)
    return found == alone != "violated"


def _by_the_ledgers(run: RunStates, *, may_be_open: bool) -> tuple[AuditVerdict, str]:
    if run.complete:
        return "succeeded", ""
    if not run.standing:
        return "rolled_back", ""
    if may_be_open:
        return "in_flight", ""
    return "violated", f"by the ledgers alone: {in_words(run.standing)}"


def decided_by_hand(operations: Sequence[Operation], fact: SagaFact | None) -> int:
    """Count the steps of a run that operators have decided on."""
    by_hand = {operation.step for operation in operations if operation.decided_by_hand}
    return len(by_hand.union(fact.resolved_manually if fact else ()))


def disagreements(operations: Sequence[Operation]) -> Iterator[str]:
    """Compare the requests of one run: all of them must be for the same order."""
    requests = [operation.request for operation in operations if operation.request is not None]
    yield from _differ("saga", {operation.saga_id for operation in operations})
    yield from _differ("order", {request.order_id for request in requests})
    yield from _differ(
        "customer",
        {request.user_id for request in requests if isinstance(request, CustomerRequest)},
    )
    yield from _money(requests)


def _money(requests: Sequence[StepRequest]) -> Iterator[str]:
    charges = [request for request in requests if isinstance(request, ProcessPayment)]
    for request in requests:
        for charge in charges:
            charged = amount_in_words(charge.amount, charge.currency)
            if isinstance(request, AwardLoyaltyPoints) and (
                request.points * 100 != charge.amount or request.currency != charge.currency
            ):
                points = amount_in_words(request.points, request.currency)
                yield f"{points} points are not 1 % of {charged}"
            if isinstance(request, ReserveInventory):
                yield from _charged(request, charge, charged)


def _charged(reserved: ReserveInventory, charge: ProcessPayment, charged: str) -> Iterator[str]:
    prices = [item.price * item.quantity for item in reserved.items if item.price is not None]
    due = sum((each.amount for each in charge.adjustments or ()), sum(prices, Decimal(0)))
    if prices and due != charge.amount:
        adjusted = f", adjusted to {due}," if charge.adjustments else ""
        yield f"items worth {sum(prices)}{adjusted} were charged {charged}"


def _differ(what: str, values: set[str]) -> Iterator[str]:
    if len(values) > 1:
        yield f"one run, but more than one {what}: {', '.join(sorted(values))}"


def left_behind(fact: SagaFact | None) -> bool:
    """Tell whether a violation is a leftover, for the reconciler or an operator."""
    return fact is not None and fact.status != "open"
