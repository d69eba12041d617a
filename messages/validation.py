"""Explanations of invalid input, each in one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from messages.text import shortened

#: Number of problems that a line lists. A reader corrects the first problems first, and the
#: failure must stay small.
_MOST_PROBLEMS = 10
#: Number of problems above which none is listed: pydantic would describe all of them, and a
#: workflow task has only two seconds.
_TOO_MANY_PROBLEMS = 1_000
_LONGEST = 2000
_LONGEST_PLACE = 100
_LONGEST_TEXT = 300
_LONGEST_INPUT = 60


def explain(error: ValidationError) -> str:
    """Say what is wrong and where, in one line: ``items.0.quantity: … (got 0); …``.

    The line stays short, however many problems there are.
    """
    if error.error_count() > _TOO_MANY_PROBLEMS:
        return f"{error.error_count():,} things are wrong with it"
    problems = list(islice(_problems(error), _MOST_PROBLEMS))
    more = error.error_count() - len(problems)
    line = shortened("; ".join(problems), _LONGEST)
    return f"{line}; and {more:,} more" if more else line


def _problems(error: ValidationError) -> Iterator[str]:
    for e in error.errors(include_url=False):
        where = shortened(".".join(map(str, e["loc"])), _LONGEST_PLACE)
        yield _problem(" ".join(where.split()), _in_words(e), e["input"])


def _in_words(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if error["type"] in ("too_short", "too_long"):
        return _count_in_words(error["type"] == "too_short", context)
    if error["type"] == "string_pattern_mismatch":
        return "has characters that are not allowed here"
    text = error["msg"].removeprefix("Value error, ")
    return shortened(text[:1].lower() + text[1:], _LONGEST_TEXT)


def _count_in_words(too_few: bool, context: Mapping[str, object]) -> str:
    limit = context["min_length" if too_few else "max_length"]
    items = "one item is" if limit == 1 else f"{limit} items are"
    return f"at least {items} needed" if too_few else f"at most {items} allowed"


def _problem(where: str, what: str, given: object) -> str:
    if isinstance(given, (dict, list, tuple)):
        return f"{where}: {what}" if where else what
    shown = _shown(given)
    return f"{where}: {what} (got {shown})" if where else f"{what} (got {shown})"


def _shown(given: object) -> str:
    shown = repr(given)
    if len(shown) <= _LONGEST_INPUT:
        return shown
    return f"{shown[:_LONGEST_INPUT]}… ({len(shown)} characters)"
