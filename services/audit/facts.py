"""Facts about runs that the audit compares with the ledgers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from messages.runs import NextListing, RunRef, SagaFact
from services.audit.books import PAGE


class Facts(Protocol):
    """Answers of Temporal about runs; there may be more of them than fit into memory."""

    #: False if Temporal was not asked at all.
    asked: bool

    @property
    def unreadable(self) -> Mapping[RunRef, str]:
        """Runs about which Temporal's answer cannot be read, each with the reason."""

    def of(self, run_ids: Sequence[str]) -> Mapping[str, SagaFact]:
        """Return the facts about these runs, by first run id."""

    def pages(self) -> Iterator[list[str]]:
        """List the ids of all runs about which there is a fact."""

    def exact(self, run: RunRef) -> bool:
        """Tell whether Temporal was asked about exactly this run, so that nothing new is learnt."""

    def list_again(self, run_id: str) -> None:
        """Note that the next audit must learn of the run, which the ledgers do not know."""

    def left_nothing(self, run_id: str) -> None:
        """Note that the run left nothing in any ledger, rightly."""

    def next_listing(self) -> NextListing:
        """Return where the next audit continues."""


class GivenFacts:
    """Facts that somebody else has collected."""

    def __init__(self, facts: Mapping[str, SagaFact] | None) -> None:
        self.asked = facts is not None
        self.unreadable: Mapping[RunRef, str] = {}
        self._facts = facts or {}

    def of(self, run_ids: Sequence[str]) -> Mapping[str, SagaFact]:
        """Return the facts about these runs."""
        return {run_id: self._facts[run_id] for run_id in run_ids if run_id in self._facts}

    def pages(self) -> Iterator[list[str]]:
        """List the ids of all runs about which there is a fact."""
        run_ids = list(self._facts)
        yield from (run_ids[at : at + PAGE] for at in range(0, len(run_ids), PAGE))

    def exact(self, _run: RunRef) -> bool:
        """Nobody can be asked."""
        return True

    def list_again(self, _run_id: str) -> None:
        """Nothing is listed."""

    def left_nothing(self, _run_id: str) -> None:
        """Nothing is listed."""

    def next_listing(self) -> NextListing:
        """Nothing is listed."""
        return NextListing(None, 0)
