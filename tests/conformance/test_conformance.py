"""Each kind of saga, on each database, under the same faults: the same ledgers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from temporalio.testing import WorkflowEnvironment

from cli.modes import Mode
from messages.sagas import SagaRolledBack, SagaSucceeded
from services.audit.books import KEPT
from services.faults import Fault
from tests.harness.builders import an_order
from tests.harness.cancelling import Cancel, by_update, natively
from tests.harness.faults import delay, lost_reply, only_for, permanent, refusal, transient
from tests.harness.ledgers import balances
from tests.harness.opening import Options, a_shop
from tests.harness.policies import ChangePolicies
from tests.harness.postgres import PostgresServer
from tests.harness.shop import Handle, Shop
from tests.harness.steps import SERVICES, STEPS, UNDOS
from tests.harness.waiting import PATIENCE

ALL = tuple(STEPS)
NOTHING: tuple[str, ...] = ()

#: Longer than the time of one attempt, so that the effect lands when nobody waits for it.
TOO_LONG = 3.5


class Case(NamedTuple):
    """Faults and cancel of one order, and the steps of which the effects must stand in the end."""

    name: str
    faults: tuple[Fault, ...]
    stands: tuple[str, ...]
    #: Sent while the step that the name begins with is being taken.
    cancel: Cancel | None = None
    #: Whether the trouble never ends: then somebody has to give up.
    hopeless: bool = False

    @property
    def order_id(self) -> str:
        """Names the case everywhere."""
        return self.name.replace(" ", "-")


def cases() -> Iterator[Case]:
    """Every step and every compensation, with every kind of trouble."""
    yield Case("no trouble", (), ALL)
    for step in STEPS:
        yield from _of_step(step)
    for undo in list(UNDOS.values())[:3]:
        yield from _of_undo(undo)


def _of_step(step: str) -> Iterator[Case]:
    yield Case(f"{step} refused", (refusal(step),), NOTHING)
    yield Case(f"{step} transient once", (transient(step, times=1),), ALL)
    yield Case(f"{step} transient thrice", (transient(step, times=3),), ALL)
    yield Case(f"{step} transient for ever", (transient(step),), NOTHING, hopeless=True)
    yield Case(f"{step} reply lost", (lost_reply(step, times=1),), ALL)
    yield Case(f"{step} reply always lost", (lost_reply(step),), NOTHING, hopeless=True)
    before = permanent(step, when="before")
    yield Case(f"{step} broken before the effect", (before,), NOTHING, hopeless=True)
    after = permanent(step, when="after")
    yield Case(f"{step} broken after the effect", (after,), NOTHING, hopeless=True)
    yield Case(f"{step} late once", (delay(step, times=1, seconds=TOO_LONG),), ALL)
    yield Case(
        f"{step} always late",
        (delay(step, seconds=TOO_LONG),),
        NOTHING,
        hopeless=True,
    )
    yield Case(f"{step} cancelled meanwhile", (), NOTHING, by_update)
    yield Case(f"{step} cancelled natively meanwhile", (), NOTHING, natively)


def _of_undo(undo: str) -> Iterator[Case]:
    refused = refusal("award_loyalty_points")
    for name, fault in (
        ("transient thrice", transient(undo, times=3)),
        ("reply lost", lost_reply(undo, times=1)),
        ("late once", delay(undo, times=1, seconds=TOO_LONG)),
    ):
        yield Case(f"{undo} {name}", (refused, fault), NOTHING)


CASES = tuple(cases())
#: Seconds after which an order gives up what will never come.
DEADLINE = 8
#: Seconds that one attempt gets, also on a machine that is busy with other things.
ATTEMPT = 1.5
_IN_FLIGHT = 20


class Kind(NamedTuple):
    """Kind of saga, and the database of its ledgers."""

    name: str
    mode: Mode
    fast_path: bool = False
    on_postgres: bool = False


KINDS = (
    Kind("orchestrated", Mode.ORCHESTRATION),
    Kind("orchestrated, on the fast path", Mode.ORCHESTRATION, fast_path=True),
    # Each kind on each database would prove the same, and take twice as long.
    Kind("choreographed, on PostgreSQL", Mode.CHOREOGRAPHY, on_postgres=True),
)


class Ended(NamedTuple):
    """Ends of all cases in one kind of saga."""

    outcomes: Mapping[str, SagaSucceeded | SagaRolledBack]
    #: By order, the steps whose effects stand.
    standing: Mapping[str, tuple[str, ...]]
    #: By service and account, how far it is from where it began.
    moved: Mapping[tuple[str, str], int]


async def _all_cases(
    env: WorkflowEnvironment, folder: Path, postgres: PostgresServer, kind: Kind
) -> Ended:
    faults = [rule for case in CASES for rule in only_for(case.order_id, *case.faults)]
    gate = asyncio.Semaphore(_IN_FLIGHT)
    cancels = _Cancels()
    ledgers = {s: postgres.empty_database(s) for s in SERVICES} if kind.on_postgres else {}
    options = Options(mode=kind.mode, fast_path=kind.fast_path, ledgers=ledgers, watch=cancels)
    async with a_shop(env, folder, *faults, **options) as shop:
        runs = (_run(shop, case, gate, cancels) for case in CASES)
        outcomes = await asyncio.gather(*runs)
    standing = {case.order_id: tuple(shop.standing(an_order(case.order_id))) for case in CASES}
    return Ended(
        outcomes={case.name: outcome for case, outcome in zip(CASES, outcomes, strict=True)},
        standing=standing,
        moved={
            (service, balance.account): balance.now - balance.opening
            for service in KEPT
            # Shipments have no account but themselves; that each order has one or none, and
            # the same in every kind of saga, is in what stands.
            if service != "shipping"
            for balance in balances(service, shop.settings.ledger_urls()[service])
            if balance.now != balance.opening
        },
    )


async def _run(
    shop: Shop, case: Case, gate: asyncio.Semaphore, cancels: _Cancels
) -> SagaSucceeded | SagaRolledBack:
    deadline = DEADLINE if case.hopeless else None
    order = an_order(case.order_id, user_id=f"user_{case.order_id}", deadline_seconds=deadline)
    async with gate:
        handle = await shop.place(order)
        cancels.placed[case.order_id].set_result(handle)
        return await shop.outcome(handle)


class _Cancels:
    """Cancels an order while the service works on its step. Each attempt of it waits for that."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due = {case.order_id: case for case in CASES if case.cancel}
        self._cancels: dict[str, asyncio.Task[None]] = {}
        self.placed: dict[str, asyncio.Future[Handle]] = {
            case.order_id: self._loop.create_future() for case in CASES
        }

    def __call__(self, operation: str, order_id: str, *, after: bool) -> None:
        case = self._due.get(order_id)
        if case is not None and operation == case.name.split()[0] and not after:
            asyncio.run_coroutine_threadsafe(self._cancelled(case), self._loop).result(PATIENCE)

    async def _cancelled(self, case: Case) -> None:
        # A cancel can take longer than an attempt. The next attempt must not overtake it.
        if case.order_id not in self._cancels:
            self._cancels[case.order_id] = asyncio.create_task(self._cancel(case))
        await self._cancels[case.order_id]

    async def _cancel(self, case: Case) -> None:
        handle = await self.placed[case.order_id]
        assert case.cancel is not None
        await case.cancel(handle)


# One test: all cases run at once, so that none waits alone for what never comes.
async def test_all_kinds_leave_the_same(
    env: WorkflowEnvironment,
    tmp_path: Path,
    postgres: PostgresServer,
    policies_with: ChangePolicies,
    subtests: pytest.Subtests,
) -> None:
    policies_with(
        attempt=ATTEMPT,
        fast=ATTEMPT,
        undo_attempt=ATTEMPT,
        pause=0.02,
        undo_pause=0.1,
        attempts=30,  # only what is hopeless may become a dead letter, also on a busy machine
    )
    ended = [await _all_cases(env, tmp_path / kind.name, postgres, kind) for kind in KINDS]
    for case in CASES:
        for kind, end in zip(KINDS, ended, strict=True):
            with subtests.test(case.name, kind=kind.name):
                assert end.standing[case.order_id] == case.stands
                outcome = end.outcomes[case.name]
                assert isinstance(outcome, SagaSucceeded) is bool(case.stands)
                if case.cancel:
                    assert outcome.status == "CANCELLED"
    with subtests.test("the ledgers are equal to the last cent"):
        first, *others = (end.moved for end in ended)
        assert others == [first, first]
        assert first != {}
