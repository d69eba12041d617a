"""Costs of one operation of a service, without Temporal: statements, time, share of the commit."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Engine, event

from activities.hosting import service_activities
from messages.ids import order_saga_id
from messages.participants import PARTICIPANTS, SERVICES, requests_of
from services.mock import open_services
from settings import Settings
from tests.harness.postgres import postgres_server
from trials.bench.machine import foreign_share, read_clocks
from trials.bench.measuring import Load

_WARM_UP = 5


@dataclass(frozen=True)
class Operation:
    """Medians of the four actions on one kind of database; or why there are none."""

    database: str
    not_measured: str | None = None
    #: SQL statements, without those that begin and commit the transaction.
    statements: float = 0
    p50_ms: float = 0
    #: Part of that time which the commit took: mostly waiting for the disk.
    commit_share: float = 0
    #: As in :class:`~trials.bench.measuring.Sample`.
    foreign: float = 0


def measure_operations(folder: Path, orders: int) -> list[Operation]:
    """Measure on SQLite and, where its programs are installed, on PostgreSQL."""
    sqlite = Settings(data_dir=folder / "operations").ledger_urls()
    measured = [_measure("SQLite", sqlite, orders)]
    try:
        with postgres_server(fsync=True) as server:
            urls = {service: server.empty_database(service) for service in SERVICES}
            measured.append(_measure("PostgreSQL", urls, orders))
    except Exception as error:  # whatever it lacks here, the rest of the bench does not need it
        reason = " ".join(str(error).split()) or type(error).__name__
        measured.append(Operation("PostgreSQL", not_measured=f"there is none here: {reason}"))
    return measured


def _measure(database: str, urls: Mapping[str, str], orders: int) -> Operation:
    before = read_clocks()
    with closing(open_services(urls)) as services, _observed() as seen:
        actions = {
            p.step: service_activities(p.service, services[p.service])[0] for p in PARTICIPANTS
        }
        for number, order in enumerate(Load(0, 1).orders("operation", _WARM_UP + orders)):
            run_id = str(uuid4())
            for step, request in requests_of(order, order_saga_id(order.order_id), run_id).items():
                seen.begin()
                actions[step](request)
                seen.end(counts=number >= _WARM_UP)
    foreign = foreign_share(before, read_clocks(), os.cpu_count() or 1)
    whole = statistics.median(seen.seconds)
    return Operation(
        database,
        statements=statistics.mean(seen.statements),
        p50_ms=1000 * whole,
        commit_share=statistics.median(seen.committing) / whole,
        foreign=foreign,
    )


@dataclass
class _Observer:
    """Times of operations, one after the other."""

    seconds: list[float] = field(default_factory=list)
    committing: list[float] = field(default_factory=list)
    statements: list[int] = field(default_factory=list)
    _began: float = 0
    _commit: float = 0
    _statements: int = 0

    def begin(self) -> None:
        self._statements = 0
        self._began = self._commit = time.perf_counter()

    def end(self, *, counts: bool) -> None:
        now = time.perf_counter()
        if counts:
            self.seconds.append(now - self._began)
            self.committing.append(now - self._commit)
            self.statements.append(self._statements)

    def execute(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self._statements += not statement.startswith("BEGIN")

    def commit(self, _connection: object) -> None:
        # Called before the commit. After it an operation has nothing left to do.
        self._commit = time.perf_counter()


@contextmanager
def _observed() -> Iterator[_Observer]:
    seen = _Observer()
    listeners: dict[str, Callable[..., None]] = {
        "before_cursor_execute": seen.execute,
        "commit": seen.commit,
    }
    for name, listener in listeners.items():
        event.listen(Engine, name, listener)
    try:
        yield seen
    finally:
        for name, listener in listeners.items():
            event.remove(Engine, name, listener)
