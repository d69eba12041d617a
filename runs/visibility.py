"""Conditions of the queries with which Temporal lists runs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from messages.wire import SAGA_STATUS, SAGA_TYPES

#: Condition for open runs. The status of a paused one is not "Running".
IS_OPEN = "CloseTime IS NULL"

#: Condition for open runs that wait for an operator.
IS_PARKED = f'{SAGA_STATUS} = "NEEDS_INTERVENTION" AND ExecutionStatus = "Running"'

#: Condition for open runs whose workflow task keeps failing. The server sets the attribute after
#: about five failures in a row and clears it after a success.
IS_FAILING = 'TemporalReportedProblems IS NOT NULL AND ExecutionStatus = "Running"'

#: Condition for open runs that are paused, or of which an activity is.
IS_PAUSED = f"TemporalPauseInfo IS NOT NULL AND {IS_OPEN}"

#: Characters that a server with a SQL database compares in escaped form, and so never finds.
_NEVER_FOUND = re.compile(r'["\\\x00\n\r\t\x08]')


def quoted(text: str) -> str:
    """Return the text as a string literal for a query."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def equals(attribute: str, text: str) -> str:
    """Return the condition that finds the runs whose ``attribute`` is ``text``.

    If the server cannot compare the whole text, it also finds runs whose text only begins like
    it, so the caller has to check each run.
    """
    # The server also removes single quotation marks at both ends.
    begins = _NEVER_FOUND.split(text, maxsplit=1)[0].rstrip("'")
    if begins.startswith("'"):
        begins = ""
    operator = "=" if begins == text else "STARTS_WITH"
    return f"{attribute} {operator} {quoted(begins)}"


def one_of(attribute: str, texts: Iterable[str]) -> str:
    """Return the condition that finds the runs whose ``attribute`` is one of these names."""
    return f"{attribute} IN ({', '.join(map(quoted, texts))})"


def sagas_query(task_queue: str) -> str:
    """Return the query for the sagas of one task queue; other queues have other ledgers."""
    return f"{one_of('WorkflowType', SAGA_TYPES)} AND TaskQueue = {quoted(task_queue)}"
