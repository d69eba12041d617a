"""Promise 27: only a worker that was there all the time can tell that nothing was lost."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any, Protocol

import pytest
from sqlalchemy import Row, delete, insert, select, update

from services import identity, kept_open, openings
from services.ledger import LedgerUnavailable
from services.mock import Services, open_services
from tests.harness.steps import SERVICES
from tests.harness.waiting import until


class Workers:
    """Workers that have the same payment ledger open, and a state of it to go back to."""

    def __init__(self, ledgers: dict[str, str], running: ExitStack) -> None:
        self._urls = {"payment": ledgers["payment"]}
        self._running = running
        self._backup: Sequence[Row[Any]] = ()
        self.first = self.starts()
        self.begun = time.monotonic()
        time.sleep(0.2)

    def starts(self) -> Services:
        """Start another worker."""
        opened = open_services(self._urls, only=["payment"])
        return self._running.enter_context(closing(opened))

    def knows_all_since(self, moment: float, worker: Services) -> bool:
        """Return True if the ledger is complete since then, or longer, as this worker finds."""
        asked = time.monotonic()
        return asked - _proved(worker) <= moment + _ROUNDED

    def knows_nothing_before(self, moment: float, worker: Services) -> bool:
        """Return True if the ledger proves nothing of the time before, as this worker finds."""
        proved = _proved(worker)
        return time.monotonic() - proved >= moment - _ROUNDED

    def back_up(self) -> None:
        """Remember all notes."""
        with self.first.records("payment")._ledger.transaction() as tx:
            self._backup = tx.execute(select(openings.openings)).all()

    def restore(self) -> float:
        """Bring those notes back, as when a database server is wound back; return the moment."""
        now = time.monotonic()
        with self.first.records("payment")._ledger.transaction() as tx:
            tx.execute(delete(openings.openings))
            tx.execute(insert(openings.openings), [row._asdict() for row in self._backup])
        return now


class GoOn(Protocol):
    """Way to have a worker go on that was frozen; it returns the moment."""

    def __call__(self, worker: Services, threads: int = 1) -> float: ...


#: Seconds; the ledger's times are in milliseconds.
_ROUNDED = 0.01


def _note(worker: Services) -> None:
    worker.notes()["payment"]()


def _notes(worker: Services, service: str) -> int:
    """Return how many times the only worker of a ledger has noted that it is open."""
    with worker.records(service)._ledger.transaction() as tx:
        notes: int = tx.execute(select(openings.openings.c.notes)).scalar_one()
    return notes


def _proved(worker: Services) -> float:
    return worker.records("payment").identity().proves_seconds


@pytest.fixture
def workers(ledgers: dict[str, str]) -> Iterator[Workers]:
    with ExitStack() as running:
        yield Workers(ledgers, running)


def test_a_worker_that_starts_beside_another_one_makes_no_gap(workers: Workers) -> None:
    started = time.monotonic()
    second = workers.starts()
    # Nobody knows yet whether the first one is still there, or was there only in a backup.
    assert workers.knows_nothing_before(started, second)
    _note(workers.first)
    assert workers.knows_all_since(workers.begun, second)


def test_the_time_is_handed_on_from_worker_to_worker(workers: Workers) -> None:
    for _ in range(3):
        following = workers.starts()
        _note(workers.first)
        _note(following)
        workers.first.close()
        workers.first = following
    assert workers.knows_all_since(workers.begun, workers.first)


def test_a_worker_that_is_gone_vouches_for_nothing(workers: Workers) -> None:
    workers.back_up()
    workers.first.close()
    workers.first = workers.starts()
    restored = workers.restore()
    for _ in range(2):
        assert workers.knows_nothing_before(restored, workers.first)


@pytest.fixture
def goes_on(monkeypatch: pytest.MonkeyPatch) -> GoOn:
    """Has a worker go on that was frozen, alone or with its machine."""

    def go_on(worker: Services, threads: int = 1) -> float:
        now = time.monotonic()
        with monkeypatch.context() as frozen, ThreadPoolExecutor(threads) as pool:
            frozen.setattr(openings, "SEEN_WITHIN", 0)
            for noted in [pool.submit(_note, worker) for _ in range(threads)]:
                noted.result()
        return now

    return go_on


def test_a_worker_that_was_frozen_cannot_tell_what_happened_meanwhile(
    workers: Workers, goes_on: GoOn
) -> None:
    """Its ledger may have been frozen with it, and both of them wound back."""
    went_on = goes_on(workers.first)
    for _ in range(2):
        _note(workers.first)
        assert workers.knows_nothing_before(went_on, workers.first)
    gap = workers.first.records("payment").identity().gap
    assert gap is not None
    assert gap.seconds >= time.monotonic() - went_on


def test_workers_that_were_frozen_together_do_not_vouch_for_each_other(
    workers: Workers, goes_on: GoOn
) -> None:
    second = workers.starts()
    _note(workers.first)
    went_on = min(goes_on(each) for each in (workers.first, second))
    for each in (workers.first, second, workers.first):
        _note(each)
        assert workers.knows_nothing_before(went_on, each)


def test_a_worker_that_was_there_all_the_time_vouches_for_one_that_was_frozen(
    workers: Workers, goes_on: GoOn
) -> None:
    second = workers.starts()
    _note(workers.first)
    goes_on(second)
    _note(workers.first)
    assert workers.knows_all_since(workers.begun, second)


def test_threads_of_a_worker_that_was_frozen_do_not_take_each_others_notes_for_lost(
    workers: Workers, goes_on: GoOn
) -> None:
    second = workers.starts()
    _note(workers.first)
    goes_on(second, threads=8)
    _note(workers.first)
    assert workers.knows_all_since(workers.begun, second)


def test_a_note_that_comes_after_the_closing_silences_nobody(workers: Workers) -> None:
    """The heartbeat's thread may still be under way when its worker ends."""
    second = workers.starts()
    for each in (workers.first, second):
        _note(each)
    workers.first.close()
    _note(workers.first)
    _note(second)
    assert workers.knows_all_since(workers.begun, second)


def test_a_ledger_that_is_restored_while_it_is_open_proves_nothing_of_what_it_has_lost(
    workers: Workers,
) -> None:
    second = workers.starts()
    _note(workers.first)
    workers.back_up()
    time.sleep(0.2)
    for each in (workers.first, second):
        _note(each)
    assert workers.knows_all_since(workers.begun, second)
    restored = workers.restore()
    for each in (second, workers.first, second, workers.first):
        assert workers.knows_nothing_before(restored, each)
    gap = second.records("payment").identity().gap
    assert gap is not None
    assert gap.seconds >= 0.2


def test_a_worker_that_lost_no_note_does_not_vouch_where_another_one_lost_some(
    workers: Workers,
) -> None:
    second = workers.starts()
    _note(workers.first)
    workers.back_up()
    _note(second)
    restored = workers.restore()
    for each in (second, workers.first, second):
        _note(each)
        assert workers.knows_nothing_before(restored, second)


def test_after_a_restore_the_workers_find_one_gap_each_and_go_on(workers: Workers) -> None:
    second = workers.starts()
    workers.back_up()
    for each in (workers.first, second):
        _note(each)
    workers.restore()
    for each in (workers.first, second):
        _note(each)
    found = time.monotonic()
    for each in (workers.first, second, workers.first):
        assert workers.knows_all_since(found, each)


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE ledger_openings",
        "DELETE FROM ledger",
        "UPDATE ledger_openings SET seen_at = 'noon'",
    ],
)
def test_a_ledger_in_which_nothing_can_be_noted_does_not_answer_and_stops_no_other(
    services: Services, damage: str
) -> None:
    payment = services.records("payment")
    with payment._ledger.transaction() as tx:
        tx.exec_driver_sql(damage)
    # What it says of operations may have been restored without anybody noticing.
    with pytest.raises(LedgerUnavailable, match="payment ledger"):
        payment.identity()
    notes = services.notes()
    with pytest.raises(LedgerUnavailable, match="payment ledger"):
        notes["payment"]()
    assert all(services.records(name).identity() for name in SERVICES if name != "payment")


def test_a_worker_does_not_start_beside_a_note_that_cannot_be_read(workers: Workers) -> None:
    with workers.first.records("payment")._ledger.transaction() as tx:
        tx.execute(update(openings.openings).values(seen_at="noon"))
    with pytest.raises(LedgerUnavailable, match="the time 'noon' cannot be read"):
        workers.starts()


async def test_a_ledger_that_can_be_written_again_is_noted_again_and_the_log_told_once(
    services: Services, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_open, "_INTERVAL", 0.01)

    def rename(old: str, new: str) -> None:
        with services.records("payment")._ledger.transaction() as tx:
            tx.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")

    async def others_go_on() -> None:
        before = _notes(services, "inventory")

        async def noted() -> bool:
            return _notes(services, "inventory") > before + 3

        await until(noted)

    async def told() -> bool:
        return bool(caplog.records)

    async with kept_open.kept_open(services):
        rename("ledger_openings", "elsewhere")
        await until(told)
        await others_go_on()
        rename("elsewhere", "ledger_openings")
        before = _notes(services, "payment")

        async def noted_again() -> bool:
            return _notes(services, "payment") > before

        await until(noted_again)
    assert len(caplog.records) == 1


async def test_a_ledger_that_hangs_delays_no_note_in_the_others(
    services: Services, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_open, "_INTERVAL", 0.01)

    async def noted() -> bool:
        return _notes(services, "inventory") > 3

    with services.records("payment")._ledger.transaction() as tx:
        tx.execute(update(identity.ledger).values(seen_at=identity.ledger.c.seen_at))
        async with kept_open.kept_open(services):
            await until(noted)
            assert not caplog.records, "the note in the payment ledger waits for its turn"
