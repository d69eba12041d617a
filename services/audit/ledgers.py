"""Audit of each ledger by itself; its rules hold at every instant, also while orders run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from typing_extensions import Never

from messages.ids import OperationId
from messages.participants import STEP_OF
from messages.requests import StepRequest
from services.audit.books import KEPT, Book, Entry, Operation
from services.audit.report import Violation
from services.audit.sums import accounts, orphans
from services.audited import Progress
from services.decided import State
from services.ledger import reading

#: Currency of accounts without one.
_OWN = "the shop's own currency"
_STATES = {state.value for state in State}


def check_ledger(service: str, url: str) -> list[Violation]:
    """Compare all operations of one ledger with its journal, and that with the balances.

    Raises:
        LedgerUnavailable: the ledger does not exist or cannot be read.
    """
    with reading(service, url) as tx:
        book = Book(service, url, tx)
        found = check_sums(book, None)
        for page in book.pages(only_unaudited=False):
            operations = list(book.operations(page))
            entries = book.entries([operation.key for operation in operations])
            for operation in operations:
                found += check_operation(operation, entries.get(operation.key, ()))
        return found


def check_sums(book: Book, since: Progress | None) -> list[Violation]:
    """Compare the journal with the balances, and find entries without an operation."""
    return [*orphans(book, since), *accounts(book, since)]


def check_operation(operation: Operation, entries: Sequence[Entry]) -> list[Violation]:
    """Compare an operation with its entries in the journal."""
    return [
        Violation(
            saga_id=operation.saga_id,
            run_id=operation.run_id,
            service=operation.service,
            problem=f"{operation.step}: {problem}",
        )
        for problem in _operation(operation, entries)
    ]


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
        asked = operation.request.currency_of_accounts
        for other in sorted({entry.currency for entry in entries} - {asked}):
            yield f"asked for in {asked or _OWN}, but posted in {other or _OWN}"
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


def _shown(amounts: Mapping[str, int]) -> str:
    return ", ".join(f"{account} {amount:+}" for account, amount in sorted(amounts.items())) or "-"
