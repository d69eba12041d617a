"""Text from anywhere, made fit for a line that a person reads."""

from __future__ import annotations

_LONGEST_LINE = 600
_LONGEST_PHRASE = 200


def one_line(text: object) -> str:
    """Return the text with its line breaks and runs of spaces made single spaces."""
    return " ".join(str(text).split())


def shortened(text: str, length: int) -> str:
    """Return the text, cut where it is longer than that."""
    return text if len(text) <= length else f"{text[:length]}…"


def printable(text: str) -> str:
    """Return the text without control characters and of bearable length, whatever was fed in."""
    line = "".join(c if c.isprintable() else " " for c in text).strip()
    return shortened(line, _LONGEST_LINE)


def phrase(text: str) -> str:
    """Return the text as a part of a line."""
    return shortened(printable(one_line(text)), _LONGEST_PHRASE)
