"""What the reconciler looks for, finds, and reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from pydantic import Field

from messages.base import Message
from messages.requests import StepRequest
from messages.runs import RunRef

#: More would be too much for one message; the counts count all.
_LISTED = 500


class FencedOperation(Message):
    """What a service's fence knows of one step of a run."""

    step: str
    state: Literal["applied", "refused", "reversed"]
    order_id: str
    #: None when it cannot be read.
    request: StepRequest | None
    #: When the service last decided on it.
    updated_at: datetime


class RunsPage(Message):
    """Some of the runs that were looked for."""

    runs: tuple[RunRef, ...]
    #: Where to look on; empty when there are no more.
    next: str = ""


class ToUndo(Message):
    """A step to be undone, or to be kept from ever happening."""

    step: str
    #: What its compensation is given; None when the ledger's cannot be read.
    request: StepRequest | None
    #: Whether its effect stands; else its action has not arrived, and may be on its way.
    stands: bool


class Reconciled(Message):
    """What became of one run's leftovers; in a dry run, what would."""

    saga_id: str
    run_id: str
    order_id: str
    ended: Literal["terminated", "gone", "rolled_back"]
    #: Steps whose effects were undone.
    undone: tuple[str, ...] = ()
    #: Steps that had not happened, and from now on cannot.
    kept_out: tuple[str, ...] = ()
    #: By step, why it could not be undone.
    failed: Mapping[str, str] = Field(default_factory=dict)


class Leftover(Message):
    """A run that will not undo by itself what it left behind."""

    run: RunRef
    order_id: str
    #: How it ended; see :class:`~messages.runs.SagaFact`.
    ended: Literal["terminated", "gone", "rolled_back"]
    #: In the order in which the steps were taken.
    steps: tuple[ToUndo, ...]
    #: Nothing is to be touched before: the run may be too new for Temporal to tell of it.
    not_before: datetime | None = None

    def as_found(self) -> Reconciled:
        """As a dry run reports it."""
        return self.reconciled(
            undone=[step.step for step in reversed(self.steps) if step.stands],
            kept_out=[step.step for step in reversed(self.steps) if not step.stands],
        )

    def as_failed(self, why: str) -> Reconciled:
        """As it is reported when it could not be touched."""
        return self.reconciled(failed={step.step: why for step in reversed(self.steps)})

    def reconciled(
        self,
        *,
        undone: Sequence[str] = (),
        kept_out: Sequence[str] = (),
        failed: Mapping[str, str] | None = None,
    ) -> Reconciled:
        """What became of it."""
        return Reconciled(
            saga_id=self.run.saga_id,
            run_id=self.run.run_id,
            order_id=self.order_id,
            ended=self.ended,
            undone=tuple(undone),
            kept_out=tuple(kept_out),
            failed=dict(failed or {}),
        )


class ReconciliationReport(Message):
    """One reconciliation."""

    dry_run: bool
    #: Runs that had left something behind.
    orders: int = 0
    #: Steps: effects undone, actions kept out, and neither because it failed.
    undone: int = 0
    kept_out: int = 0
    failed: int = 0
    #: Each run that had left something behind; the first 500 of them.
    listed: tuple[Reconciled, ...] = ()

    def with_one_more(self, run: Reconciled) -> ReconciliationReport:
        """The report with another run in it."""
        return ReconciliationReport(
            dry_run=self.dry_run,
            orders=self.orders + 1,
            undone=self.undone + len(run.undone),
            kept_out=self.kept_out + len(run.kept_out),
            failed=self.failed + len(run.failed),
            listed=(*self.listed, run)[:_LISTED],
        )


class Reconcile(Message):
    """Undo what runs have left behind that cannot do so themselves."""

    #: Only find and report.
    dry_run: bool = False
    #: Continues a reconciliation that grew too long for one run: where, and what it had done.
    search: Literal["ledgers", "temporal"] = "ledgers"
    after: str = ""
    so_far: ReconciliationReport | None = None
    #: Runs that it could not undo and will not try again.
    set_aside: tuple[RunRef, ...] = ()
