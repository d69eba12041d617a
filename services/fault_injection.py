"""Injection of planned faults: which call of a service is hit, and by what."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Column, Integer, Table, Text, select, update

from messages.failures import PermanentFailure, TransientFailure
from services.faults import Fault, FaultPlan, When
from services.ledger import Ledger
from services.sql import insert_new, metadata

#: How often each rule has been asked about an order: in the database, so that a restart or
#: a second worker goes on counting instead of making the first faults again.
fault_calls = Table(
    "fault_calls",
    metadata,
    Column("rule", Integer, primary_key=True, autoincrement=False),
    Column("operation", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("calls", Integer, nullable=False),
)


class PlannedFaults(NamedTuple):
    """The faults of the plan that hit one call."""

    faults: Sequence[Fault] = ()

    @property
    def refuses(self) -> bool:
        """True when the service is to say no by itself."""
        return any(fault.kind == "refusal" for fault in self.faults)

    def strike(self, side: When) -> None:
        """Let happen what is due on this side of the effect.

        Raises:
            TransientFailure: once, or the reply is lost.
            PermanentFailure: for good.
        """
        for fault in self.faults:
            if fault.side == side:
                _strike(fault)


class FaultInjector:
    """Choice of the faults of each call, the same for the same calls whoever makes them."""

    def __init__(self, plan: FaultPlan, ledger: Ledger) -> None:
        self._plan = plan
        self._ledger = ledger

    def draw(self, operation: str, order_id: str) -> PlannedFaults:
        """Count this call, and return what hits it."""
        rules = [
            (number, fault)
            for number, fault in enumerate(self._plan.fault)
            if fault.concerns(operation, order_id)
        ]
        if not rules:
            return PlannedFaults()
        nth = self._count([number for number, _ in rules], operation, order_id)
        return PlannedFaults(
            [
                fault
                for number, fault in rules
                if hits(fault, self._plan.seed, (number, operation, order_id, nth[number]))
            ]
        )

    def _count(self, rules: Sequence[int], operation: str, order_id: str) -> dict[int, int]:
        calls = fault_calls.c
        nth: dict[int, int] = {}
        with self._ledger.transaction() as tx:
            for rule in rules:
                key = {"rule": rule, "operation": operation, "order_id": order_id}
                insert_new(tx, fault_calls, {**key, "calls": 0})
                this = (
                    (calls.rule == rule)
                    & (calls.operation == operation)
                    & (calls.order_id == order_id)
                )
                tx.execute(update(fault_calls).where(this).values(calls=calls.calls + 1))
                nth[rule] = tx.execute(select(calls.calls).where(this)).scalar_one()
        return nth


def hits(fault: Fault, seed: int, call: tuple[int, str, str, int]) -> bool:
    """Decide whether a fault hits a call.

    The call is given by its rule, operation, order and number among the calls like it.
    """
    if fault.count is not None:
        return call[-1] <= fault.count
    digest = hashlib.sha256(json.dumps([seed, *call]).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < (fault.rate or 0.0)


def _strike(fault: Fault) -> None:
    if fault.kind == "delay":
        time.sleep(fault.seconds or 0.0)
    elif fault.kind == "transient":
        raise TransientFailure("service temporarily unavailable")
    elif fault.kind == "lost_reply":
        raise TransientFailure("reply lost: connection reset by peer")
    elif fault.kind == "permanent":
        raise PermanentFailure("internal error in the service")
