"""An address as people write it: in lines, in any script, with the marks that scripts need."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field, StrictStr

_LINE_BREAKS = "\r\n"
#: They make a text read otherwise than it is stored, which no script needs.
_OVERRIDES = "\u202d\u202e"
#: Letters and symbols by their category, but nobody sees them: fillers and the blank of Braille.
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"


def _readable(text: str) -> str:
    """Refuse what no address needs.

    Which characters are controls is settled for good. So every version of Python decides
    alike, whatever else it knows of Unicode, and no replay decides otherwise than the run.
    """
    for character in text:
        if character in _OVERRIDES or (
            unicodedata.category(character) == "Cc" and character not in _LINE_BREAKS
        ):
            raise ValueError(f"must not contain the control character U+{ord(character):04X}")
    if not any(map(_can_be_seen, text)):
        raise ValueError("must say where to deliver; nothing in it can be seen")
    return text


def _can_be_seen(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNPS" and character not in _BLANK


#: Where to deliver. Its line breaks and invisible marks are kept as they were given.
Address = Annotated[StrictStr, Field(max_length=500), AfterValidator(_readable)]


def as_read(address: str) -> str:
    """Return the address as it is read, for comparing: on one line, without invisible marks."""
    shown = (c for c in address if unicodedata.category(c) != "Cf")
    return " ".join("".join(shown).split())
