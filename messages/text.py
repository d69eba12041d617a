"""Text from any source, prepared for a line that a person reads."""

from __future__ import annotations

_LONGEST_LINE = 600
_LONGEST_PHRASE = 200


def one_line(text: object) -> str:
    """Return the text with each sequence of line breaks and spaces as a single space."""
    return " ".join(str(text).split())


def shortened(text: str, length: int) -> str:
    """Return the text, cut to that length if it is longer."""
    return text if len(text) <= length else f"{text[:length]}…"


def printable(text: str) -> str:
    """Return the text without control characters, and cut to the length of a line."""
    line = "".join(c if c.isprintable() else " " for c in text).strip()
    return shortened(line, _LONGEST_LINE)


def phrase(text: str) -> str:
    """Return the text on one line, cut to the length of a part of a line."""
    return shortened(printable(one_line(text)), _LONGEST_PHRASE)
