"""Injection of planned faults into the calls of a service."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Column, Connection, Integer, Table, Text, text

from messages.failures import PermanentFailure, TransientFailure
from services.faults import Fault, FaultPlan, When
from services.ledger import Ledger
from services.sql import Statement, metadata

#: Number of calls that matched each rule, by operation and order. It is in the database, so that
#: the count continues after a restart and in a second worker.
fault_calls = Table(
    "fault_calls",
    metadata,
    Column("rule", Integer, primary_key=True, autoincrement=False),
    Column("operation", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("calls", Integer, nullable=False),
)
_COUNT = Statement("""
    INSERT INTO fault_calls (rule, operation, order_id, calls)
    VALUES (:rule, :operation, :order_id, 1)
    ON CONFLICT (rule, operation, order_id) DO UPDATE SET calls = fault_calls.calls + 1
""")
_COUNTED = text(
    "SELECT rule, calls FROM fault_calls WHERE operation = :operation AND order_id = :order_id"
)


class PlannedFaults(NamedTuple):
    """Faults of the plan that hit one call."""

    faults: Sequence[Fault] = ()

    @property
    def refuses(self) -> bool:
        """Tell whether the service must refuse the call."""
        return any(fault.kind == "refusal" for fault in self.faults)

    def strike(self, side: When) -> None:
        """Make the faults happen that belong to this side of the effect.

        Raises:
            TransientFailure: the call fails for a moment, or its reply is lost.
            PermanentFailure: the call fails for good.
        """
        for fault in self.faults:
            if fault.side == side:
                _strike(fault)


class FaultInjector:
    """Choice of the faults for each call: always the same for the same calls."""

    def __init__(self, plan: FaultPlan, ledger: Ledger) -> None:
        self._plan = plan
        self._ledger = ledger

    def draw(self, operation: str, order_id: str) -> PlannedFaults:
        """Count this call, and return the faults that hit it."""
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
        call = {"operation": operation, "order_id": order_id}

        def count(tx: Connection) -> dict[int, int]:
            _COUNT.run(tx, *({**call, "rule": rule} for rule in rules))
            return {row.rule: row.calls for row in tx.execute(_COUNTED, call)}

        return self._ledger.transact(count)


def hits(fault: Fault, seed: int, call: tuple[int, str, str, int]) -> bool:
    """Tell whether a fault hits a call.

    Args:
        fault: the rule.
        seed: the random seed of the fault plan.
        call: number of the rule, operation, order id, and number of the call, counted from 1
            for each combination of the other three.
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
