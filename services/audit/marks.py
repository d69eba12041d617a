"""Marks that an audit leaves in the ledgers, so that the next one need not read everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import Connection, bindparam, delete, update
from sqlalchemy.dialects import postgresql, sqlite

from services.audit.books import KEPT, Book, Entry, Operation
from services.audit.sums import in_currency
from services.audited import PROVED, AnotherAudit, Progress, audited_accounts, note
from services.fence import fence
from services.ledger import Ledger, LedgerUnavailable, annotating, explained

_MARK = update(fence).where(fence.c.key == bindparam("marked")).values(audited=bindparam("to_be"))


class Marked(NamedTuple):
    """Operation with its new mark."""

    operation: Operation
    #: The new value of its column ``audited``.
    to_be: str
    entries: Sequence[Entry]


class Marks:
    """Marks of one audit in all ledgers.

    If a ledger cannot be written, or another audit writes to it, no more is written. The report
    does not depend on the marks.
    """

    def __init__(
        self,
        ledgers: Mapping[str, str],
        books: Iterable[Book],
        since: Mapping[str, Progress] | None,
    ) -> None:
        """Begin with the progress of earlier audits, or with none when everything is read."""
        self.afresh = since is None
        self._urls = ledgers
        self._writes = {book.service: book.audited.writes for book in books}
        self._since = since or {service: Progress() for service in KEPT}
        self._operations = {s: Counter(p.operations) for s, p in self._since.items()}
        self._moved = {s: Counter(p.moved) for s, p in self._since.items()}
        self._opened = ExitStack()
        self._ledgers: dict[str, Ledger] = {}
        self._begun: set[str] = set()
        self._stopped = False

    def close(self) -> None:
        """Close the connections."""
        self._opened.close()

    def set(self, service: str, marked: Sequence[Marked]) -> None:
        """Mark operations of one service."""
        accounts: Counter[tuple[str, str]] = Counter()
        changes = []
        for operation, to_be, entries in marked:
            was = "" if self.afresh else operation.audited
            self._operations[service][to_be] += 1
            self._operations[service][was] -= 1
            for entry in entries:
                amount = entry.amount * (_counts(to_be, entry) - _counts(was, entry))
                self._moved[service][in_currency(entry.kind, entry.currency)] += amount
                accounts[entry.account, entry.currency] += amount
            if to_be != operation.audited:
                changes.append({"marked": operation.key, "to_be": to_be})
        if KEPT[service].asked is None:
            accounts.clear()  # each of them has the entries of one operation only
        sums = {account: amount for account, amount in accounts.items() if amount}
        if changes or sums:
            self._write(service, {}, changes, sums)

    def finish(self, progress: Progress, last_entries: Mapping[str, int], *, valid: bool) -> None:
        """Note the progress in all ledgers; without ``valid``, the next audit reads everything.

        Args:
            progress: the part of the progress that is the same in all ledgers.
            last_entries: the ids of the last entries of the journals that were read.
            valid: False if there are violations that no mark of an operation can keep in mind.
        """
        reached = {
            service: progress.model_copy(
                update={
                    "operations": {state: self._operations[service][state] for state in PROVED},
                    "moved": dict(self._moved[service]),
                    "last_entry": last_entries[service],
                }
            )
            for service in KEPT
        }
        if valid and not self.afresh and not self._begun and reached == self._since:
            return
        audit_id = uuid4().hex if valid else None
        for service in KEPT:
            row = {"progress": reached[service].model_dump_json(), "audit_id": audit_id}
            self._write(service, row, (), {})

    def _write(
        self,
        service: str,
        noted: Mapping[str, str | None],
        changes: Sequence[Mapping[str, str]],
        sums: Mapping[tuple[str, str], int],
    ) -> None:
        if self._stopped:
            return
        try:
            with explained(service, self._urls[service]), self._ledger(service).transaction() as tx:
                first = {} if service in self._begun else {"audit_id": None}
                writes = note(tx, self._writes[service], {**first, **noted})
                if first and self.afresh:
                    tx.execute(delete(audited_accounts))
                if changes:
                    tx.execute(_MARK, list(changes))
                if sums:
                    _add(tx, sums)
        except (LedgerUnavailable, AnotherAudit):
            self._stopped = True
            return
        self._begun.add(service)
        self._writes[service] = writes

    def _ledger(self, service: str) -> Ledger:
        if service not in self._ledgers:
            opened = self._opened.enter_context(annotating(service, self._urls[service]))
            self._ledgers[service] = opened
        return self._ledgers[service]


def _counts(audited: str, entry: Entry) -> bool:
    """Tell whether the progress includes an entry of an operation with that mark."""
    return audited in PROVED and (entry.kind == "apply" or audited == "reversed")


def _add(tx: Connection, sums: Mapping[tuple[str, str], int]) -> None:
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    new = insert(audited_accounts)
    added = audited_accounts.c.amount + new.excluded.amount
    tx.execute(
        new.on_conflict_do_update(index_elements=["account", "currency"], set_={"amount": added}),
        [
            {"account": account, "currency": currency, "amount": amount}
            for (account, currency), amount in sorted(sums.items())
        ],
    )
