"""Promise 27: a ledger knows whose it is, and since when its silence proves something."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from messages.ledgers import Home
from services.ledger import LedgerUnavailable
from services.mock import open_services
from services.moving import move_ledgers
from tests.harness.backups import Backup

HERE = Home("cluster 1", "namespace 1")
THERE = Home("cluster 1", "namespace 2")


def test_a_ledger_serves_the_namespace_of_the_first_worker_that_opens_it(
    ledgers: dict[str, str],
) -> None:
    with closing(open_services(ledgers, home=HERE)) as services:
        assert services.records("payment").identity().home == HERE
    with closing(open_services(ledgers, home=HERE)):
        pass
    with pytest.raises(LedgerUnavailable, match="another Temporal namespace") as refused:
        open_services(ledgers, home=THERE)
    assert "move-ledgers" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_ledger_that_was_moved_serves_the_other_namespace_and_proves_nothing_of_before(
    ledgers: dict[str, str],
) -> None:
    with closing(open_services(ledgers, home=HERE)) as services:
        time.sleep(0.5)
        begun = time.monotonic()
        assert set(move_ledgers(ledgers, THERE, "ada", "the new cluster")) == set(ledgers)
        proves = services.records("payment").identity().proves_seconds
        assert proves <= time.monotonic() - begun + 0.1
    assert move_ledgers(ledgers, THERE, "ada", "once more") == ()
    with closing(open_services(ledgers, home=THERE)) as services:
        assert services.records("payment").identity().home == THERE
    with pytest.raises(LedgerUnavailable, match="another Temporal namespace"):
        open_services(ledgers, home=HERE)


def test_nothing_is_moved_when_a_ledger_is_missing(tmp_path: Path) -> None:
    urls = {name: f"sqlite:///{tmp_path / name}.db" for name in ("inventory", "payment")}
    with closing(open_services(urls, only=["inventory"], home=HERE)):
        pass
    with pytest.raises(LedgerUnavailable, match="payment ledger"):
        move_ledgers(urls, THERE, "ada", "typed wrongly")
    with closing(open_services(urls, only=["inventory"], home=HERE)):
        pass
    assert not (tmp_path / "payment.db").exists()


def test_a_ledger_proves_only_what_it_was_open_for(ledgers: dict[str, str]) -> None:
    with closing(open_services(ledgers)) as services:
        time.sleep(0.2)
        assert services.records("payment").identity().proves_seconds >= 0.2
    begun = time.monotonic()
    with closing(open_services(ledgers)) as services:
        proves = services.records("payment").identity().proves_seconds
        assert proves <= time.monotonic() - begun + 0.1


@pytest.mark.parametrize("in_use", [False, True])
def test_a_ledger_that_was_restored_proves_nothing_of_what_it_has_lost(
    ledgers: dict[str, str], back_up: Callable[[str], Backup], in_use: bool
) -> None:
    """Its last note may be a moment old, as if its worker had only been started again."""
    with closing(open_services(ledgers, only=["payment"])):
        if in_use:
            backup = back_up(ledgers["payment"])
    if not in_use:
        backup = back_up(ledgers["payment"])
    with closing(open_services(ledgers, only=["payment"])):
        time.sleep(0.1)
    restored = time.monotonic()
    backup.restore()
    with closing(open_services(ledgers, only=["payment"])) as services:
        proves = services.records("payment").identity().proves_seconds
        assert proves <= time.monotonic() - restored + 0.01


def test_a_gap_is_told_once_to_the_other_ledgers(ledgers: dict[str, str]) -> None:
    with closing(open_services(ledgers)) as services:
        records = services.records("payment")
        made = records.identity().gap
        # There may have been another ledger before it.
        assert made is not None
        assert made.seconds > 365 * 24 * 3_600
        assert records.close_gap(made.until)
        assert records.identity().gap is None
        begun = time.monotonic()
    with closing(open_services(ledgers)) as services:
        gap = services.records("payment").identity().gap
        assert gap is not None
        assert gap.seconds <= time.monotonic() - begun + 0.1


def test_a_gap_that_came_up_meanwhile_is_not_closed_with_the_one_before(
    ledgers: dict[str, str],
) -> None:
    with closing(open_services(ledgers)) as services:
        first = services.records("payment").identity().gap
        assert first is not None
    time.sleep(0.01)
    with closing(open_services(ledgers)) as services:
        records = services.records("payment")
        assert not records.close_gap(first.until)
        both = records.identity().gap
        assert both is not None
        assert both.seconds >= first.seconds
        assert records.close_gap(both.until)
