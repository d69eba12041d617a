"""Sums of one service's books, added up by its database.

With the progress of earlier audits, only the operations that none of them has proved are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import ColumnElement, and_, any_, func, not_, null, or_, select

from services.audit.books import Book
from services.audit.report import Amounts, ServiceTotals, Violation
from services.audited import PROVED, Progress, audited_accounts
from services.decided import State
from services.fence import fence, unaudited
from services.journal import journal
from services.kept import Kept

if TYPE_CHECKING:
    from services.sql import AnyRow, AnySelect

_f, _j = fence.c, journal.c
#: True for an entry, joined with its operation, that the progress of the ledger includes.
_counted = and_(_f.audited.in_(PROVED), or_(_j.kind == "apply", _f.audited == "reversed"))


def totals(book: Book, since: Progress | None) -> ServiceTotals:
    """Return the totals of one ledger, of all orders.

    Args:
        book: the ledger.
        since: the progress of earlier audits; None to read everything.
    """
    states = _states(book, since)
    moved = _moved(book, since)
    others = sorted({kind.partition(" ")[2] for kind, amount in moved.items() if amount} - {""})
    own = _amounts(book.kept, moved, "")
    return ServiceTotals(
        service=book.service,
        unit=book.kept.unit,
        operations=sum(states.values()),
        standing=states[State.APPLIED.value],
        refused=states[State.REFUSED.value],
        reversed=states[State.REVERSED.value],
        settled=states[State.SETTLED.value],
        amount_applied=own.applied,
        amount_reversed=own.reversed,
        amount_standing=own.standing,
        currencies={currency: _amounts(book.kept, moved, currency) for currency in others},
    )


def _states(book: Book, since: Progress | None) -> Counter[str]:
    if since is None:
        return Counter(dict(_pairs(book, select(_f.state, func.count()).group_by(_f.state))))
    found = Counter(since.operations)
    changed = select(_f.audited, _f.state, func.count()).where(unaudited)
    for audited, state, count in book.ask(changed.group_by(_f.audited, _f.state)):
        found[state] += count
        if audited in PROVED:
            found[audited] -= count
    return found


def _moved(book: Book, since: Progress | None) -> Counter[str]:
    columns = (_j.kind, _j.currency, func.sum(_j.amount))
    entries = select(*columns) if since is None else _fresh(book, *columns)
    found = Counter(since.moved if since else {})
    for kind, currency, amount in book.ask(entries.group_by(_j.kind, _j.currency)):
        found[in_currency(kind, currency)] += int(amount)
    return found


def in_currency(name: str, currency: str) -> str:
    """Return the name of what is counted in that currency, such as ``apply EUR``."""
    return f"{name} {currency}" if currency else name


def _pairs(book: Book, question: AnySelect) -> Iterator[tuple[str, int]]:
    return ((name, int(number)) for name, number in book.ask(question))


def _fresh(book: Book, *columns: ColumnElement[Any], counted: bool = False) -> AnySelect:
    """Select from the entries of unproved operations, by default without those counted before."""
    of_these = select(*columns).where(_unproved(book, _j.key))
    if counted:
        return of_these
    return of_these.join(fence, _f.key == _j.key).where(not_(_counted))


def _unproved(book: Book, key: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that the operation with that key is not proved."""
    keys = select(_f.key).where(unaudited)
    if book.dialect == "postgresql":
        # It takes most operations to be unproved, and would read whole tables. Of an array it
        # assumes that it is short.
        return key == any_(func.array(keys.scalar_subquery()))
    return key.in_(keys)


def _amounts(kept: Kept, moved: Mapping[str, int], currency: str) -> Amounts:
    applied, reversed_ = (
        kept.sign * moved.get(in_currency(kind, currency), 0) for kind in ("apply", "reverse")
    )
    scale = Decimal(kept.scale(currency))
    # Money has all of its decimals; of points and pieces, only those that are needed are shown.
    least = 1 / scale if kept.unit == "money" else None
    amounts = (Decimal(n) / scale for n in (abs(applied), abs(reversed_), applied + reversed_))
    shown = [each.quantize(least) if least else each for each in amounts]
    return Amounts(applied=shown[0], reversed=shown[1], standing=shown[2])


def accounts(book: Book, since: Progress | None) -> Iterator[Violation]:
    """Compare the balances with the journal; since an audit, those of which the journal is newer.

    A balance that was changed without an entry in the journal is found when the account has the
    next entry, or when everything is read.
    """
    wrong = _every_account(book) if since is None else _touched_accounts(book)
    for account, currency, now, due in wrong:
        named, scale = in_currency(account, currency), book.kept.scale(currency)
        if now is None:
            problem = f"{named} is in the journal but has no account"
        else:
            held, said = Decimal(now) / scale, Decimal(int(due)) / scale
            problem = f"{named} holds {held}, its journal says {said}"
        yield Violation(service=book.service, problem=problem)


_ACCOUNT = (_j.account, _j.currency)
_SUM = (*_ACCOUNT, func.sum(_j.amount).label("amount"))


def _every_account(book: Book) -> Iterator[AnyRow]:
    balances = book.kept.balances.subquery("balances")
    account, currency, opening, now = balances.c
    moved = select(*_SUM).group_by(*_ACCOUNT).subquery("moved")
    same = and_(moved.c.account == account, moved.c.currency == currency)
    due = opening + func.coalesce(moved.c.amount, 0)
    wrong = select(account, currency, now, due).outerjoin(moved, same)
    yield from book.ask(wrong.where(now != due))
    known = select(account).where(same).correlate(moved).exists()
    unknown = select(moved.c.account, moved.c.currency, null(), null())
    yield from book.ask(unknown.where(not_(known)))


def _touched_accounts(book: Book) -> Iterator[AnyRow]:
    balances = book.kept.balances.subquery("balances")
    account, currency, opening, now = balances.c
    # An account of one operation is not in the progress, so all entries of that are added up.
    fresh = _fresh(book, *_SUM, counted=book.kept.asked is None)
    moved = fresh.group_by(*_ACCOUNT).subquery("moved")
    earlier = audited_accounts.c
    due = opening + moved.c.amount + func.coalesce(earlier.amount, 0)
    touched = (
        select(moved.c.account, moved.c.currency, now, due)
        .select_from(moved)
        .outerjoin(
            audited_accounts,
            and_(earlier.account == moved.c.account, earlier.currency == moved.c.currency),
        )
        .outerjoin(balances, and_(account == moved.c.account, currency == moved.c.currency))
    )
    yield from book.ask(touched.where(or_(now.is_(None), now != due)))


def orphans(book: Book, since: Progress | None) -> Iterator[Violation]:
    """Find entries of the journal without an operation; since an audit, among the newer ones."""
    entries = select(_j.key).outerjoin(fence, _f.key == _j.key).where(_f.key.is_(None))
    if since is not None:
        entries = entries.where(_j.id > since.last_entry)
    for key in dict.fromkeys(row.key for row in book.ask(entries)):
        problem = f"{key} is in the journal but not in the fence"
        yield Violation(service=book.service, problem=problem)


def runs_with_newer_entries(book: Book, since: Progress) -> Iterator[str]:
    """Find runs whose operations are proved, but have entries that are newer than the proof."""
    newer = select(_f.run_id).join(journal, _f.key == _j.key).where(_j.id > since.last_entry)
    yield from dict.fromkeys(row.run_id for row in book.ask(newer.where(not_(unaudited))))


def last_entry(book: Book) -> int:
    """Return the id of the last entry of the journal."""
    [row] = book.ask(select(func.max(_j.id)))
    return row[0] or 0


class Standing(NamedTuple):
    """Effect of an order that stands in more than one run."""

    violation: Violation
    run_ids: Sequence[str]


def twice(book: Book, since: Progress | None) -> Iterator[Standing]:
    """Find orders that have the same effect in more than one run."""
    applied = _f.state == State.APPLIED.value
    if since is None:
        pairs = select(_f.order_id, _f.step).where(applied).group_by(_f.order_id, _f.step)
        pairs = pairs.having(func.count() > 1)
    else:
        new = fence.alias("new")
        same = and_(_f.order_id == new.c.order_id, _f.step == new.c.step, _f.key != new.c.key)
        pairs = select(_f.order_id, _f.step).join(new, same).where(applied).distinct()
        pairs = pairs.where(_unproved(book, new.c.key), new.c.state == State.APPLIED.value)
    for order_id, step in book.ask(pairs):
        rows = book.ask(
            select(_f.saga_id, _f.run_id)
            .where(applied, _f.order_id == order_id, _f.step == step)
            .order_by(_f.created_at, _f.key)
        )
        others = ", ".join(f"{row.saga_id} run {row.run_id}" for row in rows)
        problem = f"{step} of order {order_id} stands {len(rows)} times: {others}"
        yield Standing(
            Violation(service=book.service, problem=problem), [row.run_id for row in rows]
        )
