"""Books of a service, as the audit reads them: a page of runs at a time, all at one instant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy import BindParameter, Connection, bindparam, select, text

from messages.ledgers import Home
from messages.participants import BY_SERVICE
from messages.requests import StepRequest
from services.audited import audited
from services.fence import fence, unaudited
from services.identity import identity
from services.journal import journal
from services.kept import Kept
from services.ledger import explained, reading
from services.modules import MODULES
from services.sql import Clock

if TYPE_CHECKING:
    from services.sql import AnyRow, AnySelect

#: Description of the books of each service, by service.
KEPT: Mapping[str, Kept] = {service: module.BOOKS for service, module in MODULES.items()}

#: Number of runs that are in memory at the same time.
PAGE = 500

_f, _j = fence.c, journal.c
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_AMONG = select(_f.run_id).where(_f.run_id.in_(_IDS))
_AMONG_UNAUDITED = _AMONG.where(unaudited)
_OPERATIONS = select(
    *(_f.key, _f.saga_id, _f.run_id, _f.step, _f.order_id, _f.state, _f.answer),
    *(_f.request, _f.settlement, _f.created_at, _f.audited),
).where(_f.run_id.in_(_IDS))
_ENTRIES = select(_j.key, _j.kind, _j.account, _j.currency, _j.amount, _j.reference).where(
    _j.key.in_(_IDS)
)


class Operation(NamedTuple):
    """Row of the fence."""

    service: str
    key: str
    saga_id: str
    run_id: str
    step: str
    order_id: str
    state: str
    answer: str | None
    #: None when it cannot be read, or when an operator settled the operation before it arrived.
    request: StepRequest | None
    #: True when an operator has recorded a decision on the operation.
    decided_by_hand: bool
    #: Time at which the service first received a request for it, by the ledger's clock.
    created_at: str
    #: See :mod:`services.audited`.
    audited: str


class Entry(NamedTuple):
    """Row of the journal."""

    key: str
    kind: str
    account: str
    currency: str
    amount: int
    reference: str


class Book:
    """Books of one service at one instant.

    The methods raise :class:`~services.ledger.LedgerUnavailable` if the ledger cannot be read.
    """

    def __init__(self, service: str, url: str, tx: Connection) -> None:
        self.service = service
        self.kept = KEPT[service]
        self.dialect = tx.dialect.name
        self._url = url
        self._tx = tx
        # The identity must be read before the ages of operations are: see messages/verdicts.py.
        self.identity = identity(tx)
        self.clock = Clock(tx)
        self.audited = audited(tx)

    def ask(self, question: AnySelect, ids: Sequence[str] | None = None) -> Sequence[AnyRow]:
        """Return the rows of a query, which may be about these ids."""
        # The other books are open at the same time, and must not be blamed for an error here.
        with explained(self.service, self._url):
            return self._tx.execute(question, {} if ids is None else {"ids": ids}).all()

    def avoid_whole_tables(self) -> None:
        """Have the database look up each operation that no audit has proved.

        PostgreSQL takes most operations to be unproved, because it cannot estimate how often two
        columns differ. So it would read whole tables.
        """
        if self.dialect == "postgresql":
            self._tx.execute(text("SET LOCAL enable_seqscan = off"))

    def pages(self, *, only_unaudited: bool) -> Iterator[list[str]]:
        """List the ids of all runs, or of those with operations that no audit has proved."""
        which = select(_f.run_id).distinct().order_by(_f.run_id).limit(PAGE)
        if only_unaudited:
            which = which.where(unaudited)
        page = [row.run_id for row in self.ask(which)]
        while page:
            yield page
            page = [row.run_id for row in self.ask(which.where(_f.run_id > page[-1]))]

    def among(self, run_ids: Sequence[str], *, only_unaudited: bool) -> set[str]:
        """Return those of these runs of which the ledger has operations, or unproved ones."""
        which = _AMONG_UNAUDITED if only_unaudited else _AMONG
        return {run_id for (run_id,) in self.ask(which, run_ids)}

    def operations(self, run_ids: Sequence[str]) -> Iterator[Operation]:
        """Return the operations of these runs."""
        for *named, state, answer, request, settlement, created_at, mark in self.ask(
            _OPERATIONS, run_ids
        ):
            key, saga_id, run_id, step, order_id = named
            yield Operation(
                *(self.service, key, saga_id, run_id, step, order_id, state, answer),
                *(read_request(self.service, request), settlement is not None, created_at, mark),
            )

    def entries(self, keys: Sequence[str]) -> Mapping[str, list[Entry]]:
        """Return the entries of these operations, by key."""
        found: dict[str, list[Entry]] = defaultdict(list)
        for row in self.ask(_ENTRIES, keys):
            found[row[0]].append(Entry._make(row))
        return found


@contextmanager
def open_books(ledgers: Mapping[str, str], home: Home | None = None) -> Iterator[tuple[Book, ...]]:
    """Open the books of all services, each at one instant; nothing is changed.

    Raises:
        LedgerUnavailable: a ledger does not exist, cannot be read, or has another home.
    """
    with ExitStack() as opened:
        yield tuple(
            Book(
                service,
                ledgers[service],
                opened.enter_context(reading(service, ledgers[service], home)),
            )
            for service in KEPT
        )


def read_request(service: str, text: str) -> StepRequest | None:
    """Return the request in a row of the service's fence; None if it cannot be read."""
    try:
        return BY_SERVICE[service].request.model_validate_json(text)
    except ValidationError:
        return None
