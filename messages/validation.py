"""Bad input, told in one line."""

from __future__ import annotations

from pydantic import ValidationError

_LONGEST_INPUT = 60


def explain(error: ValidationError) -> str:
    """Say what is wrong and where, in one line: ``items.0.quantity: … (got 0); …``."""
    return "; ".join(
        _problem(".".join(map(str, e["loc"])), e["msg"].removeprefix("Value error, "), e["input"])
        for e in error.errors(include_url=False, include_context=False)
    )


def _problem(where: str, what: str, given: object) -> str:
    what = what[:1].lower() + what[1:]
    if isinstance(given, (dict, list, tuple)):
        return f"{where}: {what}" if where else what
    shown = repr(given)
    if len(shown) > _LONGEST_INPUT:
        shown = f"{shown[:_LONGEST_INPUT]}… ({len(shown)} characters)"
    return f"{where}: {what} (got {shown})" if where else f"{what} (got {shown})"
