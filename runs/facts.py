"""Facts about all runs, in a temporary file: there may be more of them than fit into memory."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone

from messages.runs import RunRef, SagaFact

_TABLE = """
CREATE TABLE facts (
    run_id TEXT PRIMARY KEY,
    saga_id TEXT NOT NULL,
    status TEXT NOT NULL,
    resolved_manually TEXT NOT NULL DEFAULT '[]',
    closed TEXT,             -- time by Temporal's clock, UTC, in ISO 8601
    left_nothing INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
"""
_PAGE = 500
#: The server may list a run only some time after it has closed.
_LATE = timedelta(minutes=10)


class FactStore:
    """Store of facts, by the first run id of the chain."""

    def __init__(self) -> None:
        # A database without a name is a file that is deleted when it is closed, or sooner.
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(_TABLE)

    def close(self) -> None:
        """Delete all facts."""
        self._db.close()

    def add(self, found: Iterable[tuple[str, SagaFact, datetime | None]]) -> None:
        """Store what the list of runs says, each with the time at which the run closed."""
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT OR REPLACE INTO facts (run_id, saga_id, status, closed) VALUES (?, ?, ?, ?)",
            (
                (run_id, fact.saga_id, fact.status, _text(closed) if closed else None)
                for run_id, fact, closed in found
            ),
        )
        self._db.execute("COMMIT")

    def correct(self, run_id: str, first_run_id: str, fact: SagaFact) -> None:
        """Store what an examination of a run says about its chain."""
        if run_id != first_run_id:
            # The services know all runs of a chain by the id of the first one.
            self._db.execute("DELETE FROM facts WHERE run_id = ?", (run_id,))
        resolved = json.dumps(fact.resolved_manually)
        self._db.execute(
            "INSERT INTO facts (run_id, saga_id, status, resolved_manually) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (run_id) DO UPDATE SET saga_id = excluded.saga_id,"
            " status = excluded.status, resolved_manually = excluded.resolved_manually",
            (first_run_id, fact.saga_id, fact.status, resolved),
        )

    def doubtful(self) -> Iterator[RunRef]:
        """Return the runs that are open, and those that share their workflow id."""
        yield from (
            RunRef(*row)
            for row in self._db.execute(
                "SELECT saga_id, run_id FROM facts WHERE status = 'open' OR saga_id IN"
                " (SELECT saga_id FROM facts GROUP BY saga_id HAVING count(*) > 1)"
            )
        )

    def of(self, run_ids: Sequence[str]) -> Mapping[str, SagaFact]:
        """Return the facts about these runs, as far as there are any."""
        places = ", ".join("?" * len(run_ids))
        rows = self._db.execute(
            "SELECT run_id, saga_id, status, resolved_manually FROM facts"
            f" WHERE run_id IN ({places})",
            run_ids,
        )
        return {
            run_id: SagaFact(
                saga_id=saga_id, status=status, resolved_manually=tuple(json.loads(resolved))
            )
            for run_id, saga_id, status, resolved in rows
        }

    def pages(self) -> Iterator[list[str]]:
        """List the run ids of all facts."""
        page = "SELECT run_id FROM facts WHERE run_id > ? ORDER BY run_id LIMIT ?"
        last = ""
        while run_ids := [run_id for (run_id,) in self._db.execute(page, (last, _PAGE))]:
            yield run_ids
            last = run_ids[-1]

    def left_nothing(self, run_id: str) -> None:
        """Note that the ledgers know nothing of the run, rightly."""
        self._db.execute("UPDATE facts SET left_nothing = 1 WHERE run_id = ?", (run_id,))

    def closed_at(self, run_id: str) -> str | None:
        """Return when the run closed, if the list said so."""
        for (closed,) in self._db.execute("SELECT closed FROM facts WHERE run_id = ?", (run_id,)):
            return closed if closed is None else str(closed)
        return None

    def last_closed(self) -> str | None:
        """Return a time before which the list of closed runs is certainly complete."""
        [(last,)] = self._db.execute("SELECT max(closed) FROM facts")
        return None if last is None else _text(datetime.fromisoformat(last) - _LATE)

    def count_left_nothing(self, closed_before: str) -> int:
        """Count the runs of :meth:`left_nothing` that closed before that time."""
        [(count,)] = self._db.execute(
            "SELECT count(*) FROM facts WHERE left_nothing AND closed < ?", (closed_before,)
        )
        return int(count)


def _text(time: datetime) -> str:
    # Times of one form can be compared as texts.
    return time.astimezone(timezone.utc).isoformat(timespec="microseconds")
