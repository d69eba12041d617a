"""Base class of the mock services: each operation passes the fence and the planned faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from sqlalchemy import Connection

from messages.base import Reversal
from messages.failures import Refused
from messages.participants import BY_SERVICE
from messages.settling import Settle
from services.answers import Listener, nobody
from services.fault_injection import FaultInjector
from services.faults import FaultPlan
from services.fence import A, C, Fence
from services.ledger import Ledger


class FencedService:
    """Mock service that takes the step which the table of participants gives it."""

    #: The refusal that the fault plan can make the service raise.
    refusal: Refused

    def __init__(self, ledger: Ledger, faults: FaultPlan, listener: Listener = nobody) -> None:
        self._part = BY_SERVICE[ledger.service]
        self._fence = Fence(ledger, listener)
        self._faults = FaultInjector(faults, ledger)

    def _act(self, request: C, answer: A, effect: Callable[[Connection, C, A], None]) -> A:
        faults = self._faults.draw(self._part.step, request.order_id)
        faults.strike("before")
        try:
            return self._fence.act(request, answer, self._refuse if faults.refuses else effect)
        finally:
            # In case of a refusal as well, because its reply can be lost like any other.
            faults.strike("after")

    def _undo(self, request: C, effect: Callable[[Connection, C], None]) -> Reversal:
        faults = self._faults.draw(self._part.compensation, request.order_id)
        faults.strike("before")
        reversal = self._fence.undo(request, effect)
        faults.strike("after")
        return reversal

    def settle(self, request: Settle) -> Reversal:
        """Record an operator's decision on one of the service's operations."""
        return self._fence.settle(request)

    def _refuse(self, _tx: Connection, _request: object, _answer: object) -> NoReturn:
        raise type(self.refusal)(*self.refusal.args)
