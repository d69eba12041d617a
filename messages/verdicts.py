"""Verdict on a run of a saga: the same rules for the audit and for the reconciler.

If Temporal or a ledger does not know something, that alone proves nothing. The retention may
explain it, or a ledger that was lost, restored, or created after the run. An operator decides
about everything that is not proved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, NamedTuple

from messages.ledgers import LedgerIdentity, OperationState
from messages.participants import STEPS
from messages.runs import SagaFact

Verdict = Literal[
    "succeeded",  # every effect stands
    "rolled_back",  # no effect stands
    "in_flight",  # the run is still open
    "left_behind",  # the run has ended, and its effects must be undone
    "unproved",  # something is wrong, and only a person can find out what
]


class Judged(NamedTuple):
    """Verdict with its reason."""

    verdict: Verdict
    why: str = ""


class RunStates(NamedTuple):
    """States of a run's steps, according to the ledgers."""

    states: Mapping[str, OperationState]
    #: Steps on which an operator has decided.
    by_hand: Collection[str] = ()

    @property
    def standing(self) -> set[str]:
        """Steps whose effects stand, and on which no operator has decided."""
        applied = {step for step, state in self.states.items() if state == "applied"}
        return applied - set(self.by_hand)

    @property
    def complete(self) -> bool:
        """Tell whether each step's effect stands."""
        return all(self.states.get(step) == "applied" for step in STEPS)


def judge(run: RunStates, fact: SagaFact, doubt: str | None) -> Judged:
    """Judge a run by what the ledgers and Temporal know about it.

    Args:
        run: what the ledgers know.
        fact: what Temporal knows.
        doubt: if Temporal does not know the run: why that proves nothing, or None if it is proof.
    """
    standing = run.standing - set(fact.resolved_manually)
    if fact.status == "open":
        return Judged("in_flight")
    if fact.status == "succeeded":
        return _judge_succeeded(run, standing)
    if not standing:
        return Judged("rolled_back")
    if fact.status == "rolled_back":
        return Judged("left_behind", f"the saga rolled back, but {_stand(standing)}")
    if fact.status == "terminated":
        return Judged(
            "left_behind",
            f"the saga was terminated, or ended without a result: {in_words(standing)}",
        )
    if run.complete:
        # The retention is enough to explain that Temporal does not know the run.
        return Judged("succeeded")
    gone = f"the saga is gone from Temporal: {in_words(standing)}"
    if doubt is None:
        return Judged("left_behind", gone)
    return Judged("unproved", f"{gone}; {doubt}")


def _judge_succeeded(run: RunStates, standing: set[str]) -> Judged:
    if run.complete or (run.by_hand and not standing):
        return Judged("succeeded")
    missing = {step for step in STEPS if run.states.get(step) != "applied"}
    return Judged("unproved", f"the saga succeeded, but {listed(missing)} left no effect")


def doubt_of(
    run_seconds: float,
    retention_seconds: float,
    ledgers: Mapping[str, LedgerIdentity | None],
) -> str | None:
    """Say why it proves nothing that a run is missing in Temporal and effects in the ledgers.

    Args:
        run_seconds: the time for which the ledgers have known the run.
        retention_seconds: the time for which Temporal keeps a closed run.
        ledgers: the identity of each ledger, by service; None if the ledger did not answer. It
            was asked for before ``run_seconds`` was measured. Each ledger measures both by its
            own clock, so times of different clocks are never compared.

    Returns:
        None when it is proof: if the run had ended by itself, Temporal would still know it; and
        if a missing effect had happened, its ledger would know it.
    """
    if run_seconds >= retention_seconds:
        return f"the run is older than Temporal's retention ({retention_seconds / 3600:g} hours)"
    for service, identity in ledgers.items():
        if identity is None:
            return f"the {service} ledger did not answer"
        if identity.proves_seconds < run_seconds:
            return (
                f"the {service} ledger proves nothing about the run: after the run began, the"
                " ledger was created, restored, moved or closed, or its worker was frozen"
            )
    return None


def listed(steps: Iterable[str]) -> str:
    """Return the steps as text, in the order of the saga: ``a, b and c``."""
    found = set(steps)
    *others, last = [step for step in STEPS if step in found] or ["no step"]
    return f"{', '.join(others)} and {last}" if others else last


def in_words(standing: set[str]) -> str:
    """Say which steps stand and which do not: ``a and b stand, c does not``."""
    rest = set(STEPS) - standing
    do_not = "do not" if len(rest) > 1 else "does not"
    return _stand(standing) + (f", {listed(rest)} {do_not}" if rest else "")


def _stand(standing: set[str]) -> str:
    return f"{listed(standing)} {'stand' if len(standing) > 1 else 'stands'}"
