"""Course of an audit: reads the ledgers a page at a time, so that it fits into memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from messages.ledgers import Home
from messages.runs import RunRef
from services.audit.books import PAGE, Book, open_books
from services.audit.facts import Facts
from services.audit.ledgers import check_sums
from services.audit.marks import Marks
from services.audit.report import AuditReport, ServiceTotals, Violation
from services.audit.sums import last_entry, runs_with_newer_entries, totals, twice
from services.audit.tally import Tally
from services.audited import AnotherAudit, Progress


class Since(NamedTuple):
    """Earlier audit, after which this one continues."""

    audit_id: str
    #: Progress by service.
    progress: Mapping[str, Progress]

    @property
    def shared(self) -> Progress:
        """The progress of any ledger, for what is the same in all of them."""
        return next(iter(self.progress.values()))


def last_audit(books: Sequence[Book], scope: str | None = None) -> Since | None:
    """Return the audit after which the next one can continue; None if it must read everything.

    Args:
        books: the ledgers.
        scope: the runs of Temporal that the next one compares; None if it compares none.
    """
    ids = {book.audited.audit_id for book in books}
    audit_id = ids.pop()
    # A ledger with another id was lost or restored, or an audit was interrupted.
    if ids or audit_id is None:
        return None
    since = Since(audit_id, {book.service: book.audited.progress for book in books})
    return since if scope in (None, since.shared.scope) else None


class Audit:
    """Audit of all ledgers.

    The methods raise :class:`~services.ledger.LedgerUnavailable` if a ledger cannot be read.
    """

    def __init__(
        self,
        ledgers: Mapping[str, str],
        facts: Facts,
        *,
        home: Home | None = None,
        retention_seconds: float = 0.0,
        since: Since | None = None,
        scope: str | None = None,
    ) -> None:
        """Prepare an audit.

        Args:
            ledgers: the URLs of the ledgers, by service.
            facts: the answers of Temporal.
            home: the Temporal namespace that gave them.
            retention_seconds: the time for which Temporal keeps a closed run.
            since: the audit after which this one continues; None to read everything.
            scope: the runs of Temporal that are compared. With None, nothing is marked, so
                later audits cannot continue after this one.
        """
        self._ledgers = ledgers
        self._facts = facts
        self._home = home
        self._since = since
        self._scope = scope
        proved = since and {
            "succeeded": since.shared.succeeded,
            "rolled_back": since.shared.rolled_back,
        }
        self._tally = Tally(facts, retention_seconds, proved)
        self._of_books: list[Violation] = []
        self._services: list[ServiceTotals] = []
        self._last_entries: dict[str, int] = {}
        self._postponed: list[RunRef] = []

    def close(self) -> None:
        """Close the connections to the ledgers."""
        if self._tally.marks is not None:
            self._tally.marks.close()

    def read(self) -> Sequence[RunRef]:
        """Read the ledgers, and judge the runs; return those that are postponed.

        Temporal has to be asked about each of them before :meth:`read_again`.

        Raises:
            AnotherAudit: another audit has changed the ledgers since the given one.
        """
        with open_books(self._ledgers, self._home) as books:
            if self._since is not None:
                found = last_audit(books)
                if found is None or found.audit_id != self._since.audit_id:
                    raise AnotherAudit
                for book in books:
                    book.avoid_whole_tables()
            if self._scope is not None:
                progress = self._since.progress if self._since else None
                self._tally.marks = Marks(self._ledgers, books, progress)
            self._add_up(books)
            for page in filter(None, self._pages(books)):
                self._postponed += self._tally.judge(books, page, final=False)
        return self._postponed

    def read_again(self) -> None:
        """Judge the postponed runs, about which Temporal has been asked since."""
        run_ids = list(dict.fromkeys(run.run_id for run in self._postponed))
        with open_books(self._ledgers, self._home) as books:
            for page in _paged(run_ids):
                self._tally.judge(books, page, final=True)

    def finish(self) -> AuditReport:
        """Note in the ledgers what is proved, and return the report."""
        tally = self._tally
        unreadable = []
        for run, why in self._facts.unreadable.items():
            problem = f"cannot be judged: {why}"
            unreadable.append(Violation(**run._asdict(), problem=problem))
            self._facts.list_again(run.run_id)
        if tally.marks is not None:
            following = self._facts.next_listing()
            progress = Progress(
                scope=self._scope or "",
                listed_until=following.since,
                succeeded=tally.proved["succeeded"],
                rolled_back=tally.proved["rolled_back"] + following.left_nothing,
            )
            # What is wrong with the books themselves, no operation can keep in mind.
            tally.marks.finish(progress, self._last_entries, valid=not self._of_books)
        return AuditReport(
            sagas=sum(tally.verdicts.values()),
            succeeded=tally.verdicts["succeeded"],
            rolled_back=tally.verdicts["rolled_back"],
            in_flight=tally.verdicts["in_flight"],
            resolved_manually=tally.resolved_manually,
            services=tuple(self._services),
            violations=(*self._of_books, *tally.violations, *unreadable),
        )

    def _add_up(self, books: Sequence[Book]) -> None:
        for book in books:
            progress = self._since.progress[book.service] if self._since else None
            self._services.append(totals(book, progress))
            self._last_entries[book.service] = last_entry(book)
            self._of_books += check_sums(book, progress)
            for standing in twice(book, progress):
                self._tally.violations.append(standing.violation)
                self._tally.twice.update(standing.run_ids)

    def _pages(self, books: Sequence[Book]) -> Iterator[list[str]]:
        """List the runs to be judged, each once."""
        partly = self._since is not None
        for number, book in enumerate(books):
            for page in book.pages(only_unaudited=partly):
                yield _new(page, books[:number], only_unaudited=partly)
        newer: set[str] = set()
        if self._since is not None:
            for book in books:
                newer.update(runs_with_newer_entries(book, self._since.progress[book.service]))
        for page in _paged(sorted(newer)):
            yield _new(page, books, only_unaudited=partly)
        for page in self._facts.pages():
            yield _new(page, books, only_unaudited=partly, besides=newer)


def without_trace(
    ledgers: Mapping[str, str], facts: Facts, home: Home | None = None
) -> list[RunRef]:
    """Return the closed runs of which no ledger has an operation.

    A reset run is one of them: the services know it by the id of the first run of its chain.

    Raises:
        LedgerUnavailable: a ledger cannot be read.
    """
    found = []
    with open_books(ledgers, home) as books:
        for page in facts.pages():
            unknown = facts.of(_new(page, books, only_unaudited=False))
            found += [
                RunRef(fact.saga_id, run_id)
                for run_id, fact in unknown.items()
                if fact.status != "open"
            ]
    return found


def _new(
    run_ids: Sequence[str],
    books: Sequence[Book],
    *,
    only_unaudited: bool,
    besides: Collection[str] = (),
) -> list[str]:
    """Return the runs that were not met before, in any of these books."""
    left = [run_id for run_id in run_ids if run_id not in besides]
    for book in books:
        if left:
            met = book.among(left, only_unaudited=only_unaudited)
            left = [run_id for run_id in left if run_id not in met]
    return left


def _paged(run_ids: Sequence[str]) -> Iterator[list[str]]:
    for at in range(0, len(run_ids), PAGE):
        yield list(run_ids[at : at + PAGE])
