"""Contents of the ledgers, read by plain SQL, so independent of the product's own audit."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from messages.ids import OperationId
from messages.participants import SERVICES
from services.fault_injection import hits
from services.faults import load_fault_plan
from trials.chaos.ledgers import Ledgers

#: Net effect of each operation on each account that it changed.
_NET = """
    SELECT key, account, SUM(CASE kind WHEN 'apply' THEN 1 ELSE -1 END) AS times,
           SUM(amount) AS amount, MIN(reference)
    FROM journal GROUP BY key, account, currency
    HAVING SUM(CASE kind WHEN 'apply' THEN 1 ELSE -1 END) <> 0 OR SUM(amount) <> 0
"""
#: Currency of each entry, with the request that asked for it.
_CURRENCIES = "SELECT saga_id, step, currency, request FROM journal JOIN fence USING (key)"
#: What each account has, in each currency, beside what its journal says.
_ACCOUNTS = {
    "payment": "SELECT user_id, currency, opening, available FROM credit",
    "loyalty": "SELECT user_id, currency, opening, balance FROM points",
}
_MOVED = "SELECT account, currency, SUM(amount) FROM journal GROUP BY account, currency"
_APPLIED = "SELECT key FROM fence WHERE state = 'applied'"
_CALLS = "SELECT rule, operation, order_id, calls FROM fault_calls"


class Books:
    """Contents of the four ledgers at this moment."""

    def __init__(self, ledgers: Ledgers) -> None:
        self._rows = ledgers.rows
        #: Steps whose effects stand, by saga id and run id.
        self.standing: dict[tuple[str, str], set[str]] = defaultdict(set)
        #: Contradictions between effect and fence, and partial effects, by saga id.
        self.torn: list[tuple[str, str]] = []
        #: Operations that took effect or were undone more than once, by saga id.
        self.doubled: list[tuple[str, str]] = []
        for service in SERVICES:
            self._read(service)

    def faults(self, plan_file: Path) -> int:
        """Count the faults that the fault plan has caused, by its own count of calls."""
        plan = load_fault_plan(plan_file)
        return sum(
            hits(plan.fault[rule], plan.seed, (rule, operation, order_id, nth))
            for service in SERVICES
            for rule, operation, order_id, calls in self._rows(service, _CALLS)
            for nth in range(1, calls + 1)
        )

    def _read(self, service: str) -> None:
        references: dict[OperationId, set[str]] = defaultdict(set)
        for key, account, times, amount, reference in self._rows(service, _NET):
            operation = OperationId.parse(key)
            if times > 0:
                references[operation].add(reference)
            elif amount:
                left = f"{operation.step} is reversed, but {amount} is left in {account}"
                self.torn.append((operation.saga_id, left))
            if times not in (0, 1):
                self._double(operation, times)
        for saga_id, step, currency, request in self._rows(service, _CURRENCIES):
            if currency != (json.loads(request or "{}").get("currency") or ""):
                self.torn.append((saga_id, f"{step}: posted in {currency or 'no currency'}"))
        self._add_up(service)
        for operation, answers in references.items():
            self.standing[operation.saga_id, operation.run_id].add(operation.step)
            if len(answers) > 1:
                self._double(operation, len(answers))
        applied = {OperationId.parse(key) for (key,) in self._rows(service, _APPLIED)}
        for operation in references.keys() ^ applied:
            which = "an effect without a fence" if operation in references else "only a fence"
            self.torn.append((operation.saga_id, f"{operation.step}: {which}"))

    def _add_up(self, service: str) -> None:
        if service not in _ACCOUNTS:
            return
        moved = {(of, currency): n for of, currency, n in self._rows(service, _MOVED)}
        for of, currency, opening, now in self._rows(service, _ACCOUNTS[service]):
            if now - opening != moved.pop((of, currency), 0):
                self.torn.append((of, f"{service}: the account in {currency!r} does not add up"))
        self.torn += [(of, f"{service}: no account in {currency!r}") for of, currency in moved]

    def _double(self, operation: OperationId, times: int) -> None:
        self.doubled.append((operation.saga_id, f"{operation.step} stands {times} times"))
