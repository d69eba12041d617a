"""Promise 27: only a worker that was there all the time can tell that nothing was lost."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from typing import Any

import pytest
from sqlalchemy import Row, delete, insert, select

from services import openings
from services.mock import Services, open_services


class Workers:
    """Workers that have the same payment ledger open, and a state of it to go back to."""

    def __init__(self, ledgers: dict[str, str], running: ExitStack) -> None:
        self._urls = {"payment": ledgers["payment"]}
        self._running = running
        self._backup: Sequence[Row[Any]] = ()
        self.begun = time.monotonic()
        self.first = self.starts()

    def starts(self) -> Services:
        """Start another worker."""
        opened = open_services(self._urls, only=["payment"])
        return self._running.enter_context(closing(opened))

    def proved(self, by: Services) -> float:
        """Return for how many seconds the ledger's records are complete, as this worker finds."""
        return by.records("payment").identity().proves_seconds

    def back_up(self) -> None:
        """Remember all notes."""
        with self.first.records("payment")._ledger.transaction() as tx:
            self._backup = tx.execute(select(openings.openings)).all()

    def restore(self) -> None:
        """Bring those notes back, as when a database server is wound back to a backup."""
        with self.first.records("payment")._ledger.transaction() as tx:
            tx.execute(delete(openings.openings))
            tx.execute(insert(openings.openings), [row._asdict() for row in self._backup])


@pytest.fixture
def workers(ledgers: dict[str, str]) -> Iterator[Workers]:
    with ExitStack() as running:
        yield Workers(ledgers, running)


def test_a_worker_that_starts_beside_another_one_makes_no_gap(workers: Workers) -> None:
    time.sleep(0.2)
    second = workers.starts()
    # Nobody knows yet whether the first one is still there, or was there only in a backup.
    assert workers.proved(second) < 0.2
    workers.first.still_open()
    assert workers.proved(second) >= 0.2


def test_the_time_is_handed_on_from_worker_to_worker(workers: Workers) -> None:
    time.sleep(0.2)
    for _ in range(3):
        following = workers.starts()
        workers.first.still_open()
        following.still_open()
        workers.first.close()
        workers.first = following
    assert workers.proved(workers.first) >= 0.2


def test_a_worker_that_is_gone_vouches_for_nothing(workers: Workers) -> None:
    time.sleep(0.2)
    workers.back_up()
    workers.first.close()
    workers.first = workers.starts()
    workers.restore()
    for _ in range(2):
        assert workers.proved(workers.first) < 0.2


def test_a_worker_that_was_frozen_cannot_tell_what_happened_meanwhile(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    time.sleep(0.2)
    second = workers.starts()
    monkeypatch.setattr(openings, "SEEN_WITHIN", 0)
    workers.first.still_open()
    monkeypatch.undo()
    for _ in range(2):
        workers.first.still_open()
        assert workers.proved(second) < 0.2


def test_a_ledger_that_is_restored_while_it_is_open_proves_nothing_of_what_it_has_lost(
    workers: Workers,
) -> None:
    second = workers.starts()
    workers.first.still_open()
    workers.back_up()
    time.sleep(0.2)
    for each in (workers.first, second):
        each.still_open()
    assert workers.proved(second) >= 0.2
    workers.restore()
    for each in (second, workers.first, second, workers.first):
        assert workers.proved(each) < 0.2
    gap = second.records("payment").identity().gap
    assert gap is not None
    assert gap.seconds >= 0.2


def test_after_a_restore_the_workers_find_one_gap_each_and_go_on(workers: Workers) -> None:
    second = workers.starts()
    workers.back_up()
    for each in (workers.first, second):
        each.still_open()
    workers.restore()
    for each in (workers.first, second):
        each.still_open()
    time.sleep(0.2)
    for each in (workers.first, second):
        assert workers.proved(each) >= 0.2
