"""The verdict on a run of a saga: one and the same for the audit and for the reconciler.

That Temporal or a ledger does not know something proves nothing by itself. Retention explains
it, or a ledger that was lost, restored, or made after the run. What is not proved is for an
operator to decide.
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
    "in_flight",  # it goes on by itself
    "left_behind",  # it has ended, and its effects are to be undone
    "unproved",  # something is wrong, and only a person can find out what
]


class Judged(NamedTuple):
    """A verdict, and what there is to say for it."""

    verdict: Verdict
    why: str = ""


class RunStates(NamedTuple):
    """States of a run's steps, as far as the ledgers know."""

    states: Mapping[str, OperationState]
    #: Steps on which an operator has decided.
    by_hand: Collection[str] = ()

    @property
    def standing(self) -> set[str]:
        """The steps whose effects stand without an operator's consent."""
        applied = {step for step, state in self.states.items() if state == "applied"}
        return applied - set(self.by_hand)

    @property
    def complete(self) -> bool:
        """Tell whether each step's effect stands."""
        return all(self.states.get(step) == "applied" for step in STEPS)


def judge(run: RunStates, fact: SagaFact, doubt: str | None) -> Judged:
    """Judge a run by what the ledgers and Temporal know of it.

    Args:
        run: what the ledgers know.
        fact: what Temporal knows.
        doubt: why it proves nothing that Temporal does not know the run; None when it does.
    """
    standing = run.standing - set(fact.resolved_manually)
    if fact.status == "open":
        return Judged("in_flight")
    if fact.status == "succeeded":
        return _judge_succeeded(run, standing)
    if not standing:
        return Judged("rolled_back")
    if fact.status == "rolled_back":
        return Judged("left_behind", f"the saga rolled back, but {listed(standing)} stands")
    if fact.status == "terminated":
        return Judged(
            "left_behind",
            f"the saga was terminated, or ended without a result: {_state_of(standing)}",
        )
    if run.complete:
        # Retention alone explains it.
        return Judged("succeeded")
    gone = f"the saga is gone from Temporal: {_state_of(standing)}"
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
    """Say why it proves nothing that a run is not known, and some of its effects are not.

    Args:
        run_seconds: for how long the ledgers have known the run.
        retention_seconds: for how long Temporal remembers a closed run.
        ledgers: by service, what each ledger tells of itself; None of one that did not answer.
            They were asked before ``run_seconds`` was measured. Each measures both by its own
            clock, so that no two clocks are compared.

    Returns:
        None when it is proof: Temporal would remember the run, had it ended by itself, and
        each ledger would know of an effect that it does not know.
    """
    if run_seconds >= retention_seconds:
        return f"it is older than what Temporal remembers ({retention_seconds / 3600:g} hours)"
    for service, identity in ledgers.items():
        if identity is None:
            return f"the {service} ledger did not answer"
        if identity.proves_seconds < run_seconds:
            return (
                f"the {service} ledger proves nothing about it: since then it was made, restored,"
                " moved, or closed for a while"
            )
    return None


def listed(steps: Iterable[str]) -> str:
    """Return the steps as text, in the order in which they are taken."""
    found = set(steps)
    return " and ".join(step for step in STEPS if step in found) or "no step"


def _state_of(standing: set[str]) -> str:
    rest = set(STEPS) - standing
    return f"{listed(standing)} stands" + (f", {listed(rest)} does not" if rest else "")
