"""Conditions of the queries by which Temporal lists runs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from messages.wire import SAGA_STATUS, SAGA_TYPES

#: Waits for an operator.
IS_PARKED = f'{SAGA_STATUS} = "NEEDS_INTERVENTION" AND ExecutionStatus = "Running"'

#: What a server with a SQL database compares in its escaped form, and so never finds.
_NEVER_FOUND = re.compile(r'["\\\x00\n\r\t\x08]')


def quoted(text: str) -> str:
    """Return the text as a string of a query."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def equals(attribute: str, text: str) -> str:
    """Return the condition that finds the runs whose ``attribute`` is ``text``.

    Where the server cannot compare all of the text, it finds those that begin alike, too: ask
    each run that it lists.
    """
    # It also takes quotation marks at the ends for its own.
    begins = _NEVER_FOUND.split(text, maxsplit=1)[0].rstrip("'")
    if begins.startswith("'"):
        begins = ""
    operator = "=" if begins == text else "STARTS_WITH"
    return f"{attribute} {operator} {quoted(begins)}"


def one_of(attribute: str, texts: Iterable[str]) -> str:
    """Return the condition that finds the runs whose ``attribute`` is one of these names."""
    return f"{attribute} IN ({', '.join(map(quoted, texts))})"


def sagas_query(task_queue: str) -> str:
    """Return the query for the sagas of our own workers: other task queues have other ledgers."""
    return f"{one_of('WorkflowType', SAGA_TYPES)} AND TaskQueue = {quoted(task_queue)}"
