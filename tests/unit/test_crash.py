"""Promises 16 and 20: a process that is killed at any instant leaves all of an effect or none."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from services.audit.ledgers import check_ledger
from services.ledger import LedgerUnavailable
from services.mock import open_services
from services.payment import PaymentService
from tests.harness.builders import requests_for
from tests.harness.children import end_with_parent
from tests.harness.killed_process import ORDER
from tests.harness.ledgers import applied_keys, balances, references

PATIENCE = 60.0


def test_a_kill_between_effect_and_commit_leaves_nothing(ledgers: dict[str, str]) -> None:
    with _charging("dies_between_effect_and_commit", ledgers) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "charged\n"

    assert not applied_keys("payment", ledgers["payment"])
    with closing(open_services(ledgers)) as services:
        services.get(PaymentService).charge(requests_for(ORDER).payment)
    assert _spent(ledgers) == 200_00


def test_a_kill_between_commit_and_reply_leaves_the_effect_and_its_answer(
    ledgers: dict[str, str],
) -> None:
    with _charging("dies_between_commit_and_reply", ledgers):
        _wait_for_charge(ledgers)

    before = references("payment", ledgers["payment"])
    with closing(open_services(ledgers)) as services:
        answer = services.get(PaymentService).charge(requests_for(ORDER).payment)
    assert before == [answer.transaction_id]
    assert _spent(ledgers) == 200_00


def test_a_kill_in_the_middle_of_work_loses_nothing_that_was_acknowledged(
    ledgers: dict[str, str],
) -> None:
    for kill_after in (1, 7, 20):
        with _charging("never_stops", ledgers) as process:
            assert process.stdout is not None
            acknowledged = [process.stdout.readline().strip() for _ in range(kill_after)]
            process.kill()
            acknowledged += process.stdout.read().split()

        assert applied_keys("payment", ledgers["payment"]).issuperset(acknowledged)
        assert check_ledger("payment", ledgers["payment"]) == []


@contextmanager
def _charging(mode: str, ledgers: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.harness.killed_process", mode, ledgers["payment"]]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, text=True, preexec_fn=end_with_parent
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _wait_for_charge(ledgers: dict[str, str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if references("payment", ledgers["payment"]):
                return
        except LedgerUnavailable:
            pass  # not created yet
        time.sleep(0.01)
    pytest.fail("it never charged")


def _spent(ledgers: dict[str, str]) -> int:
    found = balances("payment", ledgers["payment"])
    return sum(balance.opening - balance.now for balance in found)
