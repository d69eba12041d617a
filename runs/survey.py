"""Survey of all runs for the audit, which judges each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from temporalio.client import Client

from messages.runs import RunRef, SagaFact, UnreadableRun
from runs.descriptions import SERVER_TIMEOUT
from runs.examination import TemporalRuns, first_sight
from runs.listing import of_each
from runs.visibility import sagas_query


class RunSurvey:
    """Facts about all runs: from the list of runs for most, from an examination for doubtful ones.

    The list of runs is cheap, but it may be out of date. It shows neither the steps that an
    operator undid by hand nor the run that a reset has continued.
    """

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._query = sagas_query(task_queue)
        self._runs = TemporalRuns(client, task_queue)
        self._at_first_sight: dict[str, SagaFact] = {}
        self._exact: dict[str, SagaFact] = {}
        self._examined: set[RunRef] = set()
        #: Runs that cannot be read, each with the reason.
        self.unreadable: dict[RunRef, str] = {}

    async def retention_seconds(self) -> float:
        """Return how long Temporal keeps a closed run."""
        return await self._runs.retention_seconds()

    def by_run(self) -> dict[str, SagaFact]:
        """Return all facts, by the first run id of the chain."""
        return {**self._at_first_sight, **self._exact}

    async def survey(self) -> None:
        """List all runs, and examine those that are open or that share their workflow id."""
        found = [
            run
            async for run in self._client.list_workflows(self._query, rpc_timeout=SERVER_TIMEOUT)
        ]
        runs_of = Counter(run.id for run in found)
        doubtful: list[RunRef] = []
        for run in found:
            fact = first_sight(run)
            self._at_first_sight[run.run_id] = fact
            if fact.status == "open" or runs_of[run.id] > 1:
                doubtful.append(RunRef(run.id, run.run_id))
        await self.examine(doubtful)

    async def examine(self, runs: Iterable[RunRef]) -> bool:
        """Examine these runs; return False when each of them was examined before."""
        fresh = set(runs) - self._examined
        self._examined |= fresh
        await of_each(fresh, self._examine)
        return bool(fresh)

    async def _examine(self, run: RunRef) -> None:
        found = await self._runs.examine(run)
        if isinstance(found, UnreadableRun):
            self.unreadable[run] = found.why
            return
        # The services know all runs of a chain by the id of the first one.
        if run.run_id != found.first_run_id:
            self._at_first_sight.pop(run.run_id, None)
        self._exact[found.first_run_id] = found.fact
