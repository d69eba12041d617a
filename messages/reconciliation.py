"""Questions, findings and reports of the reconciler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from messages.base import Message, Reply
from messages.orders import Order
from messages.runs import ExaminedRun, RunRef, UnreadableRun

#: Limit of the runs that a report lists, so that the message stays small. The counts of the
#: report include all runs.
_LISTED = 500

Ended = Literal["open", "succeeded", "rolled_back", "terminated", "gone"]


class RunsPage(Reply):
    """Page of the runs that a search found."""

    runs: tuple[RunRef, ...]
    #: Position of the next page; empty on the last page.
    next: str = ""


class Examined(Reply):
    """Answers of Temporal about several runs."""

    runs: tuple[ExaminedRun, ...]
    unreadable: tuple[UnreadableRun, ...] = ()
    #: Seconds for which Temporal keeps a closed run.
    retention_seconds: float


class Leftover(Message):
    """Run whose effects must be undone or decided on, because it does not undo them itself."""

    run: RunRef
    order_id: str
    #: Status in which it ended; see :class:`~messages.runs.SagaFact`.
    ended: Ended
    why: str
    #: True when nothing may be undone before an operator has decided.
    unproved: bool = False
    #: Steps to undo, or to forbid if they have not happened, in the order of the saga.
    steps: tuple[str, ...]
    #: Steps among them whose effects are known to stand.
    standing: tuple[str, ...]
    #: The order that the run was started with, if Temporal still knows it.
    order: Order | None = None

    def reconciled(self, **changes: object) -> Reconciled:
        """Return the report on this run, with the fields in ``changes``."""
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
        """Return the report of a dry run on this run."""
        if self.unproved:
            return self.as_waiting(dict.fromkeys(self.steps, self.why))
        last_first = tuple(reversed(self.steps))
        return self.reconciled(
            undone=tuple(step for step in last_first if step in self.standing),
            kept_out=tuple(step for step in last_first if step not in self.standing),
        )

    def as_waiting(self, failed: Mapping[str, str]) -> Reconciled:
        """Return the report while steps wait for an operator; ``failed`` says why, by step."""
        return self.reconciled(failed=failed)


class Reconciled(Reply):
    """Report on one run's leftovers; in a dry run, the expected result."""

    saga_id: str
    run_id: str
    order_id: str
    ended: Ended
    #: What is wrong with the run.
    why: str = ""
    #: True when an operator has to decide before anything is undone.
    unproved: bool = False
    #: Steps whose effects were undone.
    undone: tuple[str, ...] = ()
    #: Steps that had not happened, and that their service refuses from now on.
    kept_out: tuple[str, ...] = ()
    #: Steps that an operator recorded as undone by hand.
    resolved_manually: tuple[str, ...] = ()
    #: Steps whose effects an operator decided to keep.
    kept: tuple[str, ...] = ()
    #: Why a step is not undone, by step.
    failed: Mapping[str, str] = Field(default_factory=dict)


class ReconciliationReport(Message):
    """Report of one reconciliation."""

    dry_run: bool
    #: Number of runs with leftovers.
    orders: int = 0
    #: Number of steps whose effects were undone.
    undone: int = 0
    #: Number of steps that had not happened and are refused from now on.
    kept_out: int = 0
    #: Number of steps that are not undone, because that failed or an operator has to decide.
    failed: int = 0
    #: Reports on the runs with leftovers; the first 500 of them.
    listed: tuple[Reconciled, ...] = ()
    #: Why nothing was undone for runs that Temporal does not know: there are too many of them.
    stopped: str | None = None
    #: Why a ledger could not be asked, by service.
    unanswered: Mapping[str, str] = Field(default_factory=dict)
    #: Runs that could not be judged; the first 500 of them.
    unreadable: tuple[UnreadableRun, ...] = ()

    @property
    def all_done(self) -> bool:
        """Tell whether nothing is left to do."""
        return not (self.failed or self.stopped or self.unanswered or self.unreadable)

    def with_one_more(self, run: Reconciled) -> ReconciliationReport:
        """Return the report with one more run in it."""
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
    """Request to undo the leftovers of runs.

    The fields from ``search`` on continue a reconciliation that grew too long for one run.
    """

    #: Only find leftovers and report them.
    dry_run: bool = False
    #: Continue even if unusually many runs are gone from Temporal.
    however_many: bool = False
    #: Place that is searched: ``temporal``, or the service whose ledger is.
    search: str = "temporal"
    #: Position in that place.
    after: str = ""
    #: The report up to now.
    so_far: ReconciliationReport | None = None
    #: Runs that were found and that Temporal does not know.
    doubtful: tuple[RunRef, ...] = ()
    #: Runs that were found and handled.
    met: tuple[RunRef, ...] = ()
