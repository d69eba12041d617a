"""Conditions of the queries that list runs."""

from __future__ import annotations

import re

#: What a server with a SQL database compares in its escaped form, and so never finds.
_NEVER_FOUND = re.compile(r'["\\\x00\n\r\t\x08]')


def quoted(text: str) -> str:
    """The text as a string of a query."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def equals(attribute: str, text: str) -> str:
    """The condition that finds the runs whose ``attribute`` is ``text``.

    Where the server cannot compare all of the text, it finds those that begin alike, too: ask
    each run that it lists.
    """
    # It also takes quotation marks at the ends for its own.
    begins = _NEVER_FOUND.split(text, maxsplit=1)[0].rstrip("'")
    if begins.startswith("'"):
        begins = ""
    operator = "=" if begins == text else "STARTS_WITH"
    return f"{attribute} {operator} {quoted(begins)}"
