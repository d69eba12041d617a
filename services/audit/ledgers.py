"""Audit of each ledger by itself; its rules hold at every instant, also while orders run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import cast

from typing_extensions import Never

from messages.ids import OperationId
from messages.participants import STEP_OF
from messages.requests import StepRequest
from services.audit.books import KEPT, Book, Entry, Operation
from services.audit.report import ServiceTotals, Violation
from services.decided import State
from services.kept import Kept

_STATES = {state.value for state in State}


def totals(book: Book) -> ServiceTotals:
    """Return the totals of one ledger."""
    kept = KEPT[book.service]
    states = Counter(operation.state for operation in book.operations)
    moved = {
        kind: kept.sign * sum(e.amount for e in book.entries if e.kind == kind)
        for kind in ("apply", "reverse")
    }
    return ServiceTotals(
        service=book.service,
        unit=kept.unit,
        operations=len(book.operations),
        standing=states[State.APPLIED.value],
        refused=states[State.REFUSED.value],
        reversed=states[State.REVERSED.value],
        settled=states[State.SETTLED.value],
        amount_applied=_amount(kept, abs(moved["apply"])),
        amount_reversed=_amount(kept, abs(moved["reverse"])),
        amount_standing=_amount(kept, moved["apply"] + moved["reverse"]),
    )


def _amount(kept: Kept, units: int) -> Decimal:
    amount = Decimal(units) / kept.scale
    return amount.quantize(Decimal("0.01")) if kept.unit == "money" else amount


def check_ledger(book: Book) -> Iterator[Violation]:
    """Compare the fence with the journal, and the journal with the balances."""
    entries: dict[str, list[Entry]] = defaultdict(list)
    for entry in book.entries:
        entries[entry.key].append(entry)
    for operation in book.operations:
        for problem in _operation(operation, entries.pop(operation.key, [])):
            yield Violation(
                saga_id=operation.saga_id,
                run_id=operation.run_id,
                service=book.service,
                problem=f"{operation.step}: {problem}",
            )
    for key in entries:
        yield Violation(
            service=book.service, problem=f"{key} is in the journal but not in the fence"
        )
    for problem in _balances(book):
        yield Violation(service=book.service, problem=problem)


def _operation(operation: Operation, entries: Sequence[Entry]) -> Iterator[str]:
    yield from _identity(operation)
    posted = Counter((entry.kind, entry.account) for entry in entries)
    for (kind, account), times in posted.items():
        if times > 1:
            yield f"{kind} is posted {times} times to {account}"
    applied = {e.account: e.amount for e in entries if e.kind == "apply"}
    reversed_ = {e.account: e.amount for e in entries if e.kind == "reverse"}
    if operation.request is not None and applied:
        yield from _amounts(operation.service, operation.request, applied)
    if operation.state == State.APPLIED and not applied:
        yield "applied without an entry in the journal"
    if operation.state == State.APPLIED and reversed_:
        yield "reversed in the journal but applied in the fence"
    if operation.state == State.REFUSED and entries:
        yield "refused, but it is in the journal"
    if operation.state == State.SETTLED and reversed_:
        yield "settled by hand, but reversed in the journal"
    if operation.state == State.REVERSED and reversed_ != {a: -n for a, n in applied.items()}:
        yield f"applied {_shown(applied)} but reversed {_shown(reversed_)}"
    if applied and any(entry.reference not in (operation.answer or "") for entry in entries):
        yield "the journal's reference is not the one that was answered"


def _identity(operation: Operation) -> Iterator[str]:
    if str(OperationId(operation.saga_id, operation.run_id, operation.step)) != operation.key:
        yield f"its key says {operation.key}"
    if operation.step != STEP_OF[operation.service]:
        yield "not a step of this service"
    if operation.state not in _STATES:
        yield f"unknown state {operation.state!r}"
    if operation.request is None:
        # An operator's decision contains no request, only the key.
        if not operation.decided_by_hand:
            yield "its request cannot be read"
    elif operation.request.idempotency_key != operation.key:
        yield f"its request has the key {operation.request.idempotency_key}"
    elif operation.request.order_id != operation.order_id:
        yield f"its request is for order {operation.request.order_id}, not {operation.order_id}"


def _amounts(service: str, request: StepRequest, applied: Mapping[str, int]) -> Iterator[str]:
    kept = KEPT[service]
    if kept.asked is None:
        if list(applied.values()) != [kept.sign]:
            yield f"one {kept.unit.removesuffix('s')} asked for, {_shown(applied)} booked"
        return
    asked = kept.asked(cast("Never", request))
    if applied != asked:
        yield f"asked for {_shown(asked)} but applied {_shown(applied)}"


def _balances(book: Book) -> Iterator[str]:
    scale = KEPT[book.service].scale
    change: Counter[str] = Counter()
    for entry in book.entries:
        change[entry.account] += entry.amount
    for account, opening, now in book.balances:
        due = opening + change.pop(account, 0)
        if now != due:
            yield f"{account} holds {Decimal(now) / scale}, its journal says {Decimal(due) / scale}"
    for account in change:
        yield f"{account} is in the journal but has no account"


def _shown(amounts: Mapping[str, int]) -> str:
    return ", ".join(f"{account} {amount:+}" for account, amount in sorted(amounts.items())) or "-"
