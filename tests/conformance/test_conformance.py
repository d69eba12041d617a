"""Both kinds of saga, over the same services, under the same faults: the same ledgers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from temporalio.testing import WorkflowEnvironment

from cli.modes import Mode
from messages.sagas import CancelOrder, SagaRolledBack, SagaSucceeded
from services.audit.books import KEPT, read_book
from tests.conformance.faults import Case, cases
from tests.conformance.hurry import hurry
from tests.harness.builders import an_order
from tests.workflows.conftest import PATIENCE, AnyHandle, Shop, a_shop

CASES = tuple(cases())
#: Seconds after which an order gives up what will never come.
DEADLINE = 8
#: Seconds that one attempt gets, also on a machine that is busy with other things.
ATTEMPT = 1.5
_IN_FLIGHT = 20


class Ended(NamedTuple):
    """What became of all cases in one mode."""

    outcomes: Mapping[str, SagaSucceeded | SagaRolledBack]
    #: By order, the steps whose effects stand.
    standing: Mapping[str, tuple[str, ...]]
    #: By service and account, how far it is from where it began.
    moved: Mapping[tuple[str, str], int]


async def _all_cases(env: WorkflowEnvironment, folder: Path, mode: Mode) -> Ended:
    faults = [{**fault, "orders": [case.order_id]} for case in CASES for fault in case.faults]
    gate = asyncio.Semaphore(_IN_FLIGHT)
    cancels = _Cancels()
    async with a_shop(env, folder, *faults, watch=cancels) as shop:
        runs = (_run(shop, mode, case, gate, cancels) for case in CASES)
        outcomes = await asyncio.gather(*runs)
    standing = {case.order_id: tuple(shop.standing_of(case.order_id)) for case in CASES}
    return Ended(
        outcomes={case.name: outcome for case, outcome in zip(CASES, outcomes, strict=True)},
        standing=standing,
        moved={
            (service, balance.account): balance.now - balance.opening
            for service in KEPT
            # Shipments have no account but themselves; that each order has one or none, and
            # the same in both modes, is in what stands.
            if service != "shipping"
            for balance in read_book(service, shop.settings.ledger_urls()[service]).balances
            if balance.now != balance.opening
        },
    )


async def _run(
    shop: Shop, mode: Mode, case: Case, gate: asyncio.Semaphore, cancels: _Cancels
) -> SagaSucceeded | SagaRolledBack:
    deadline = DEADLINE if case.hopeless else None
    order = an_order(case.order_id, user_id=f"user_{case.order_id}", deadline_seconds=deadline)
    async with gate:
        place = shop.create if mode is Mode.CHOREOGRAPHY else shop.start_in_real_time
        handle: AnyHandle = await place(order)
        cancels.placed[case.order_id].set_result(handle)
        return await shop.outcome(handle)


class _Cancels:
    """Cancels an order while the service works on its step, which waits for that."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due = {case.order_id: case for case in CASES if case.cancel}
        self.placed: dict[str, asyncio.Future[AnyHandle]] = {
            case.order_id: self._loop.create_future() for case in CASES
        }

    def __call__(self, operation: str, order_id: str, *, after: bool) -> None:
        case = self._due.get(order_id)
        if case is not None and operation == case.name.split()[0] and not after:
            del self._due[order_id]
            asyncio.run_coroutine_threadsafe(self._cancel(case), self._loop).result(PATIENCE)

    async def _cancel(self, case: Case) -> None:
        handle = await self.placed[case.order_id]
        if case.cancel == "native":
            await handle.cancel()
        else:
            await handle.execute_update("cancel_order", CancelOrder(reason="changed my mind"))


# One test: all cases run at once, so that none waits alone for what never comes.
async def test_both_modes_leave_the_same(
    env: WorkflowEnvironment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    subtests: pytest.Subtests,
) -> None:
    hurry(monkeypatch, attempt=ATTEMPT)
    ended = {mode: await _all_cases(env, tmp_path / mode.value, mode) for mode in Mode}
    for case in CASES:
        for mode in Mode:
            with subtests.test(case.name, mode=mode.value):
                assert ended[mode].standing[case.order_id] == case.stands
                outcome = ended[mode].outcomes[case.name]
                assert isinstance(outcome, SagaSucceeded) is bool(case.stands)
                if case.cancel:
                    assert outcome.status == "CANCELLED"
    with subtests.test("the ledgers are equal to the last cent"):
        assert ended[Mode.ORCHESTRATION].moved == ended[Mode.CHOREOGRAPHY].moved
        assert ended[Mode.ORCHESTRATION].moved != {}
