"""Output of a command, for a person or for another program."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path

from pydantic import BaseModel
from rich.console import Console, RenderableType

_CHECKOUT = Path(__file__).resolve().parents[1]


class Output:
    """Output of one command.

    With ``as_json``, standard output has exactly one JSON document, and all text for people
    goes to standard error.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console(stderr=as_json, highlight=False, emoji=False)

    def for_people(self) -> Output:
        """Return a copy that prints no JSON, for a part of a command that has its own document."""
        part = copy(self)
        part.as_json = False
        return part

    def say(self, what: RenderableType = "") -> None:
        """Print something for people; markup in a string is interpreted."""
        if self.console.is_terminal:
            self.console.print(what)
            return
        with self.console.capture() as captured:
            self.console.print(what)
        for line in captured.get().splitlines():
            self.line(line.rstrip())  # tables are padded to their full width

    def line(self, text: str, style: str | None = None) -> None:
        """Print one line for people; it is never wrapped, and markup is not interpreted."""
        self.console.print(text, style=style, markup=False, soft_wrap=True)

    def sentence(self, text: str, style: str | None = None) -> None:
        """Print text for people that a terminal may wrap between words."""
        wrapped = self.console.is_terminal
        self.console.print(text, style=style, markup=False, soft_wrap=not wrapped)

    def document(self, content: BaseModel | Mapping[str, object] | Sequence[object]) -> None:
        """Print the JSON document, if JSON was asked for."""
        if not self.as_json:
            return
        print(json.dumps(content, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"not for JSON: {value!r}")


def command(name: str, order_id: str, *options: str) -> str:
    """Return a command line of ``starter.py`` that can be pasted into a shell."""
    words = [name, order_id, *options]
    if order_id.startswith("-"):
        words = [name, *options, "--", order_id]
    return f"{program('starter.py')} " + " ".join(map(shell_word, words))


def program(file: str) -> str:
    """Return the command that runs a program of this checkout from the current directory."""
    return f"{python()} {shell_word(os.path.relpath(_CHECKOUT / file))}"


def python() -> str:
    """Return the command for this interpreter: its path, if its environment is not active."""
    if sys.prefix == sys.base_prefix or "VIRTUAL_ENV" in os.environ:
        return "python"
    # Not resolved: in a virtual environment the path is a link to the interpreter outside.
    return shlex.quote(os.path.relpath(Path(sys.executable)))


def shell_word(text: str) -> str:
    """Return the text as one word for a shell, without control characters."""
    if text.isprintable():
        return shlex.quote(text)
    return f"$'{''.join(map(_escaped, text))}'"


def _escaped(character: str) -> str:
    if character.isprintable() and character not in "\\'":
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode(errors="replace"))
