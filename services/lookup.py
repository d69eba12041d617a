"""Lookup of an order in the ledgers, which know it longer than Temporal does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import select

from messages.base import Resolution
from messages.ledgers import Home, OperationState
from messages.participants import STEP_OF, STEPS
from messages.requests import StepRequest
from messages.runs import RunRef
from services.audit.books import read_request
from services.fence import fence
from services.ledger import LedgerUnavailable, reading


class KnownStep(NamedTuple):
    """Operation of an order, as its service's ledger knows it."""

    state: OperationState
    #: None when it cannot be read.
    request: StepRequest | None
    #: An operator's decision on it.
    decided: Resolution | None
    #: Time at which the service first received a request for it, UTC.
    since: str


class KnownRun(NamedTuple):
    """Run of an order's saga, as the ledgers know it."""

    run: RunRef
    #: Operations by step, without those that no ledger knows.
    steps: Mapping[str, KnownStep]

    @property
    def standing(self) -> list[str]:
        """Steps whose effects stand, in the order of the saga."""
        return [step for step in STEPS if step in self.steps and self._stands(step)]

    @property
    def complete(self) -> bool:
        """Tell whether each step's effect stands."""
        return len(self.standing) == len(STEPS)

    def _stands(self, step: str) -> bool:
        return self.steps[step].state == "applied"


class KnownOrder(NamedTuple):
    """Knowledge of all ledgers about an order."""

    #: The earliest run first.
    runs: tuple[KnownRun, ...]
    #: Services whose ledgers could not be read.
    unavailable: tuple[str, ...]


def look_up_order(urls: Mapping[str, str], order_id: str, home: Home) -> KnownOrder:
    """Look an order up in the ledgers, given as URLs by service; nothing is created."""
    known: dict[RunRef, dict[str, KnownStep]] = {}
    unavailable = []
    for service, step in STEP_OF.items():
        try:
            with reading(service, urls[service], home) as tx:
                rows = tx.execute(select(fence).where(fence.c.order_id == order_id)).all()
        except LedgerUnavailable:
            unavailable.append(service)
            continue
        for row in rows:
            decided = Resolution.model_validate_json(row.settlement) if row.settlement else None
            known.setdefault(RunRef(row.saga_id, row.run_id), {})[step] = KnownStep(
                row.state, read_request(service, row.request), decided, row.created_at
            )
    runs = [KnownRun(run, steps) for run, steps in known.items()]
    runs.sort(key=lambda run: min(step.since for step in run.steps.values()))
    return KnownOrder(tuple(runs), tuple(unavailable))
