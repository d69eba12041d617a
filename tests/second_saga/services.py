"""Services of a sale, behind one durable ledger with a fence; they fail as a test tells them to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Column, Connection, Integer, Table, Text, delete, insert, select
from temporalio import activity

from activities.failures import translated
from messages.base import Command, Reply, Reversal
from messages.failures import PermanentFailure, Refused, TransientFailure
from messages.settling import Settle
from services.fault_injection import fault_calls
from services.fence import Fence, fence
from services.ledger import open_ledger
from services.sql import metadata
from tests.harness.waiting import PATIENCE

#: What was really done: a row for each time, which only its undo takes away.
_deeds = Table(
    "deeds",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("step", Text, nullable=False),
)


class SaleRequest(Command):
    """Request for any step of a sale."""


class Receipt(Reply):
    """Number of whatever was done."""

    number: str


class SaleServices:
    """Bank, carrier and post office.

    Trouble strikes the first attempt of an operation, or each one until it is mended.
    """

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'sales.db'}"
        self._ledger = open_ledger("sales", url, (fence, fault_calls, _deeds))
        self._fence = Fence(self._ledger)
        self._trouble: dict[str, str] = {}
        self._passes: set[str] = set()
        #: Set once an attempt of the operation has begun.
        self.begun: dict[str, threading.Event] = {}
        self._held: dict[str, threading.Event] = {}
        self._later = threading.Event()
        self.calls: list[str] = []

    def trouble(self, operation: str, kind: str, *, passes: bool = True) -> None:
        """Have the operation fail, the first time or until it is mended."""
        self._trouble[operation] = kind
        if passes:
            self._passes.add(operation)

    def mend(self) -> None:
        """Have no operation fail any more."""
        self._trouble.clear()

    def hold(self, operation: str) -> None:
        """Hold the attempts of the operation on their way to the service."""
        self.begun[operation], self._held[operation] = threading.Event(), threading.Event()

    def let_go(self) -> None:
        """Hold nothing any more."""
        for held in self._held.values():
            held.set()
        self._later.set()

    def close(self) -> None:
        self.let_go()
        self._ledger.close()

    def standing(self, order_id: str) -> list[str]:
        """Return the steps whose effects stand, in the order in which they were done.

        Raises:
            AssertionError: the fence says something else.
        """
        with self._ledger.transaction() as tx:
            deeds = _deeds.c
            mine = select(deeds.step).where(deeds.order_id == order_id)
            done = list(tx.execute(mine.order_by(deeds.number)).scalars())
            applied = (fence.c.order_id == order_id) & (fence.c.state == "applied")
            assert sorted(done) == sorted(tx.execute(select(fence.c.step).where(applied)).scalars())
        return done

    def states(self, order_id: str) -> dict[str, str]:
        """Return the state of each step in the ledger."""
        with self._ledger.transaction() as tx:
            mine = select(fence.c.step, fence.c.state).where(fence.c.order_id == order_id)
            return dict(tx.execute(mine).tuples().all())

    @activity.defn
    def authorize(self, request: SaleRequest) -> Receipt:
        return self._act("authorize", request)

    @activity.defn
    def void_authorization(self, request: SaleRequest) -> Reversal:
        self.calls.append("void_authorization")
        self._arrive("void_authorization")
        with translated():
            self._strike("void_authorization", "before")
            reversal = self._fence.undo(request, _undo("authorize"))
            self._strike("void_authorization", "after")
        self._later.set()
        return reversal

    @activity.defn
    def ship(self, request: SaleRequest) -> Receipt:
        return self._act("ship", request)

    @activity.defn
    def capture(self, request: SaleRequest) -> Receipt:
        return self._act("capture", request)

    @activity.defn
    def send_receipt(self, request: SaleRequest) -> Receipt:
        return self._act("send_receipt", request)

    @activity.defn
    def settle_sale(self, decision: Settle) -> Reversal:
        with translated():
            return self._fence.settle(decision)

    def activities(self) -> Iterable[Callable[..., object]]:
        """Return all activities."""
        return (
            *(self.authorize, self.void_authorization, self.ship),
            *(self.capture, self.send_receipt, self.settle_sale),
        )

    def _act(self, step: str, request: SaleRequest) -> Receipt:
        first = step not in self.calls
        self.calls.append(step)
        self._arrive(step)
        with translated():
            if first and self._trouble.get(step) == "late":
                self._later.wait(PATIENCE)
            self._strike(step, "before")
            refuses = self._trouble.get(step) == "refused"
            try:
                effect = _refuse if refuses else _do(step)
                return self._fence.act(request, Receipt(number=uuid4().hex), effect)
            finally:
                if not first:
                    self._later.set()
                self._strike(step, "after")

    def _arrive(self, operation: str) -> None:
        if operation in self._held:
            self.begun[operation].set()
            self._held[operation].wait(PATIENCE)

    def _strike(self, operation: str, side: str) -> None:
        kind = self._trouble.get(operation)
        if kind in (f"transient {side}", f"permanent {side}"):
            if operation in self._passes:
                del self._trouble[operation]
            raise _FAILURES[kind.split()[0]](kind)


_FAILURES = {"transient": TransientFailure, "permanent": PermanentFailure}


def _do(step: str) -> Callable[[Connection, SaleRequest, Receipt], None]:
    def effect(tx: Connection, request: SaleRequest, _answer: Receipt) -> None:
        tx.execute(insert(_deeds).values(order_id=request.order_id, step=step))

    return effect


def _undo(step: str) -> Callable[[Connection, SaleRequest], None]:
    def effect(tx: Connection, request: SaleRequest) -> None:
        mine = (_deeds.c.order_id == request.order_id) & (_deeds.c.step == step)
        tx.execute(delete(_deeds).where(mine))

    return effect


def _refuse(_tx: Connection, _request: SaleRequest, _answer: Receipt) -> None:
    raise Refused("the service decided against it")
