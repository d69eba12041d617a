"""The ledgers, read for the reconciler: a page at a time, however large they have grown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from pydantic import ValidationError
from sqlalchemy import select

from messages.reconciliation import FencedOperation, RunsPage
from messages.requests import StepRequest
from messages.runs import RunRef
from services.audit.books import KEPT
from services.fence import State, fence
from services.ledger import reading

_SERVICES = tuple(KEPT)
_PAGE = 500


class Leftovers:
    """Knows from the ledgers alone which runs may have left something behind.

    Its methods raise :class:`~services.ledger.LedgerUnavailable` when one cannot be read.
    """

    def __init__(self, ledgers: Mapping[str, str]) -> None:
        self._ledgers = ledgers

    def half_done(self, after: str) -> RunsPage:
        """Runs of which some effects stand and others do not.

        Walks one ledger after the other, each in its database's own order of run ids. A run
        that comes in behind the walk is found by the next one.
        """
        service, _, last = (after or f"{_SERVICES[0]}:").partition(":")
        f = fence.c
        with reading(service, self._ledgers[service]) as tx:
            rows = tx.execute(
                select(f.saga_id, f.run_id)
                .where(f.state == State.APPLIED.value, f.run_id > last)
                .order_by(f.run_id)
                .limit(_PAGE)
            ).all()
        page = [RunRef(*row) for row in rows]
        stands = {other: self._standing(other, page) for other in _SERVICES if other != service}
        # One whose effect stands in an earlier ledger was met there.
        met = set().union(*(stands[other] for other in _SERVICES[: _SERVICES.index(service)]))
        complete = set.intersection(*stands.values())
        return RunsPage(
            runs=tuple(run for run in page if run.run_id not in complete | met),
            next=f"{service}:{page[-1].run_id}" if len(page) == _PAGE else _ledger_after(service),
        )

    def not_half_done(self, runs: Iterable[RunRef]) -> tuple[RunRef, ...]:
        """Those of the runs of which every effect stands, or none but some could still come."""
        asked = tuple(runs)
        stands: Counter[str] = Counter()
        undecided: Counter[str] = Counter({run.run_id: len(_SERVICES) for run in asked})
        f = fence.c
        for service in _SERVICES:
            with reading(service, self._ledgers[service]) as tx:
                for run_id, state in tx.execute(
                    select(f.run_id, f.state).where(f.run_id.in_([run.run_id for run in asked]))
                ):
                    undecided[run_id] -= 1
                    stands[run_id] += state == State.APPLIED.value
        return tuple(
            run
            for run in asked
            if stands[run.run_id] == len(_SERVICES)
            or (stands[run.run_id] == 0 and undecided[run.run_id] > 0)
        )

    def operations(self, run_id: str) -> tuple[FencedOperation, ...]:
        """Every operation of the run that a service has decided on, in the steps' order."""
        f = fence.c
        found = []
        for service, kept in KEPT.items():
            with reading(service, self._ledgers[service]) as tx:
                for row in tx.execute(
                    select(f.step, f.state, f.order_id, f.request, f.updated_at).where(
                        f.run_id == run_id, f.step == kept.step
                    )
                ):
                    fields = row._asdict() | {"request": _request(service, row.request)}
                    found.append(FencedOperation.model_validate(fields))
        return tuple(found)

    def _standing(self, service: str, page: Iterable[RunRef]) -> set[str]:
        f = fence.c
        with reading(service, self._ledgers[service]) as tx:
            return set(
                tx.execute(
                    select(f.run_id).where(
                        f.run_id.in_([run.run_id for run in page]),
                        f.state == State.APPLIED.value,
                    )
                ).scalars()
            )


def _ledger_after(service: str) -> str:
    rest = _SERVICES[_SERVICES.index(service) + 1 :]
    return f"{rest[0]}:" if rest else ""


def _request(service: str, text: str) -> StepRequest | None:
    try:
        request = KEPT[service].command.model_validate_json(text)
    except ValidationError:
        return None
    return request if isinstance(request, StepRequest) else None
