"""Shipping address and telephone number: text of one or more lines, in any script."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field, StrictStr

_LINE_BREAKS = "\r\n"
#: Direction overrides: the text would be displayed in another order than it is stored. No
#: script needs them.
_OVERRIDES = "\u202d\u202e"
#: Fillers and the blank Braille pattern: invisible, although Unicode classes them as letters or
#: symbols.
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"


def _readable(text: str) -> str:
    """Return the text; refuse control characters, and a text without a visible character.

    Unicode never changes which characters are controls. So this check has the same result in
    every version of Python, and in every replay.
    """
    for character in text:
        if character in _OVERRIDES or (
            unicodedata.category(character) == "Cc" and character not in _LINE_BREAKS
        ):
            raise ValueError(f"must not contain the control character U+{ord(character):04X}")
    if not any(map(_can_be_seen, text)):
        raise ValueError("must not be empty; nothing in it can be seen")
    return text


def _can_be_seen(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNPS" and character not in _BLANK


#: A shipping address. Line breaks and invisible marks are kept as the customer gave them.
Address = Annotated[StrictStr, Field(max_length=500), AfterValidator(_readable)]

#: A telephone number, kept as the customer gave it.
Phone = Annotated[StrictStr, Field(max_length=100), AfterValidator(_readable)]


def as_read(address: str) -> str:
    """Return the address for comparison: on one line, without invisible marks."""
    shown = (c for c in address if unicodedata.category(c) != "Cf")
    return " ".join("".join(shown).split())
