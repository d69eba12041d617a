"""Survey of runs for the audit, which judges each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from temporalio.client import Client

from messages.runs import NextListing, RunRef, SagaFact, UnreadableRun
from runs.descriptions import SERVER_TIMEOUT
from runs.examination import TemporalRuns, first_sight
from runs.facts import FactStore
from runs.listing import of_each
from runs.visibility import IS_OPEN, sagas_query

_PAGE = 1_000


class RunSurvey:
    """Facts about runs: from the list of runs for most, from an examination for doubtful ones.

    The list of runs is cheap, but it may be out of date. It shows neither the steps that an
    operator undid by hand nor the run that a reset has continued.
    """

    asked = True

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._query = sagas_query(task_queue)
        self._runs = TemporalRuns(client, task_queue)
        self._facts = FactStore()
        self._since: str | None = None
        self._list_again: str | None = None
        self._examined: set[RunRef] = set()
        #: Runs that cannot be read, each with the reason.
        self.unreadable: dict[RunRef, str] = {}

    def close(self) -> None:
        """Forget all facts."""
        self._facts.close()

    async def retention_seconds(self) -> float:
        """Return how long Temporal keeps a closed run."""
        return await self._runs.retention_seconds()

    async def survey(self, since: str | None) -> None:
        """List runs, and examine those that are open or that share their workflow id.

        Args:
            since: the time, by Temporal's clock, before which closed runs are left out; None to
                list all.
        """
        self._since = since
        if since is None:
            await self._list("")
        else:
            # In this order, a run that closes in between is in both lists.
            await self._list(f" AND {IS_OPEN}")
            await self._list(f' AND CloseTime >= "{since}"')
        await self.examine(list(self._facts.doubtful()))

    async def examine(self, runs: Iterable[RunRef]) -> None:
        """Examine these runs, unless they have been examined before."""
        fresh = set(runs) - self._examined
        self._examined |= fresh
        await of_each(fresh, self._examine)

    def exact(self, run: RunRef) -> bool:
        """Tell whether exactly this run has been examined."""
        return run in self._examined

    def of(self, run_ids: Sequence[str]) -> Mapping[str, SagaFact]:
        """Return the facts about these runs, by the first run id of the chain."""
        return self._facts.of(run_ids)

    def pages(self) -> Iterator[list[str]]:
        """List the ids of all runs about which there is a fact."""
        return self._facts.pages()

    def list_again(self, run_id: str) -> None:
        """Have the next survey list the run again, although it closed before this one."""
        closed = self._facts.closed_at(run_id)
        if closed is not None:
            self._list_again = min(closed, self._list_again or closed)

    def left_nothing(self, run_id: str) -> None:
        """Note that the run left nothing in any ledger, rightly."""
        self._facts.left_nothing(run_id)

    def next_listing(self) -> NextListing:
        """Return from when the next survey lists, and how many runs it leaves out without trace."""
        since = max((time for time in (self._since, self._facts.last_closed()) if time), default="")
        since = min(since, self._list_again or since)
        left_nothing = self._facts.count_left_nothing(since) if since else 0
        return NextListing(since or None, left_nothing)

    async def _list(self, condition: str) -> None:
        listed = self._client.list_workflows(
            self._query + condition, page_size=_PAGE, rpc_timeout=SERVER_TIMEOUT
        )
        while True:
            await listed.fetch_next_page()
            page = listed.current_page or ()
            self._facts.add((run.run_id, first_sight(run), run.close_time) for run in page)
            if not listed.next_page_token:
                return

    async def _examine(self, run: RunRef) -> None:
        found = await self._runs.examine(run)
        if isinstance(found, UnreadableRun):
            self.unreadable[run] = found.why
            return
        self._facts.correct(run.run_id, found.first_run_id, found.fact)
