"""Questions, findings and reports of the reconciler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from messages.base import Message, Reply
from messages.orders import Order
from messages.runs import ExaminedRun, RunRef, UnreadableRun

#: More would be too much for one message; the counts count all.
_LISTED = 500

Ended = Literal["open", "succeeded", "rolled_back", "terminated", "gone"]


class RunsPage(Reply):
    """Some of the runs that were looked for."""

    runs: tuple[RunRef, ...]
    #: Where to look on; empty when there are no more.
    next: str = ""


class Examined(Reply):
    """Runs that Temporal was asked about, with what it knows of them."""

    runs: tuple[ExaminedRun, ...]
    unreadable: tuple[UnreadableRun, ...] = ()
    #: Seconds for which Temporal remembers a closed run.
    retention_seconds: float


class Leftover(Message):
    """A run whose effects are to be undone, or to be decided on, and not by the run itself."""

    run: RunRef
    order_id: str
    #: How it ended; see :class:`~messages.runs.SagaFact`.
    ended: Ended
    why: str
    #: Whether nothing may be undone before an operator has decided it.
    unproved: bool = False
    #: Steps to undo, or to keep from ever happening, in the order in which they are taken.
    steps: tuple[str, ...]
    #: Those of them whose effects stand, as far as is known.
    standing: tuple[str, ...]
    #: What the run was started with, where Temporal still knows it.
    order: Order | None = None

    def reconciled(self, **changes: object) -> Reconciled:
        """Report what became of it."""
        return Reconciled.model_validate(
            {
                "saga_id": self.run.saga_id,
                "run_id": self.run.run_id,
                "order_id": self.order_id,
                "ended": self.ended,
                "why": self.why,
                "unproved": self.unproved,
                **changes,
            }
        )

    def as_found(self) -> Reconciled:
        """As a dry run reports it."""
        if self.unproved:
            return self.as_waiting(dict.fromkeys(self.steps, self.why))
        last_first = tuple(reversed(self.steps))
        return self.reconciled(
            undone=tuple(step for step in last_first if step in self.standing),
            kept_out=tuple(step for step in last_first if step not in self.standing),
        )

    def as_waiting(self, failed: Mapping[str, str]) -> Reconciled:
        """As it is reported while steps of it wait, by step and reason."""
        return self.reconciled(failed=failed)


class Reconciled(Reply):
    """Outcome for one run's leftovers; in a dry run, the one to be expected."""

    saga_id: str
    run_id: str
    order_id: str
    ended: Ended
    #: What is wrong with the run.
    why: str = ""
    #: Whether an operator has to decide what becomes of it.
    unproved: bool = False
    #: Steps whose effects were undone.
    undone: tuple[str, ...] = ()
    #: Steps that had not happened, and from now on cannot.
    kept_out: tuple[str, ...] = ()
    #: Steps that an operator recorded as undone by hand.
    resolved_manually: tuple[str, ...] = ()
    #: Steps whose effects an operator decided to keep.
    kept: tuple[str, ...] = ()
    #: By step, why it is not undone.
    failed: Mapping[str, str] = Field(default_factory=dict)


class ReconciliationReport(Message):
    """One reconciliation."""

    dry_run: bool
    #: Runs that had left something behind.
    orders: int = 0
    #: Steps: effects undone, actions kept out, and neither, because it failed or is not decided.
    undone: int = 0
    kept_out: int = 0
    failed: int = 0
    #: Each run that had left something behind; the first 500 of them.
    listed: tuple[Reconciled, ...] = ()
    #: Why runs that Temporal does not know were left alone, when there are too many of them.
    stopped: str | None = None
    #: By service, why its ledger could not be asked.
    unanswered: Mapping[str, str] = Field(default_factory=dict)
    #: Runs that could not be judged; the first 500 of them.
    unreadable: tuple[UnreadableRun, ...] = ()

    @property
    def all_done(self) -> bool:
        """Tell whether nothing is left to be done."""
        return not (self.failed or self.stopped or self.unanswered or self.unreadable)

    def with_one_more(self, run: Reconciled) -> ReconciliationReport:
        """Return the report with another run in it."""
        return self.model_copy(
            update={
                "orders": self.orders + 1,
                "undone": self.undone + len(run.undone),
                "kept_out": self.kept_out + len(run.kept_out),
                "failed": self.failed + len(run.failed),
                "listed": (*self.listed, run)[:_LISTED],
            }
        )

    def with_unreadable(self, runs: tuple[UnreadableRun, ...]) -> ReconciliationReport:
        """Return the report with runs that could not be judged."""
        return self.model_copy(update={"unreadable": (*self.unreadable, *runs)[:_LISTED]})


class Reconcile(Message):
    """Undo what runs have left behind that cannot do so themselves."""

    #: Only find and report.
    dry_run: bool = False
    #: Go on also when unusually many runs are gone from Temporal.
    however_many: bool = False
    #: Continues a reconciliation that grew too long for one run: ``temporal``, or which
    #: service's ledger, where in it, what had been done, and which runs had been met: those that
    #: are doubtful, and those that were seen to.
    search: str = "temporal"
    after: str = ""
    so_far: ReconciliationReport | None = None
    doubtful: tuple[RunRef, ...] = ()
    met: tuple[RunRef, ...] = ()
