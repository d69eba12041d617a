"""Output of a command, for a person or for another program."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import copy
from io import StringIO

from pydantic import BaseModel
from rich.console import Console, RenderableType
from rich.text import Text

from cli.web_ui import WebUI

#: Width of output that is not a terminal: a file or a pipe has none, whatever COLUMNS says.
_UNLIMITED = 100_000
#: Width of a terminal below which remarks are below what they are about, not beside it.
_NARROW = 60


class Output:
    """Output of one command.

    With ``as_json``, standard output has exactly one JSON document, and all text for people
    goes to standard error.
    """

    def __init__(self, *, as_json: bool, web_ui: WebUI | None = None) -> None:
        self.as_json = as_json
        self._web_ui = web_ui
        self.console = Console(stderr=as_json, highlight=False, emoji=False)
        if not self.console.is_terminal:
            self.console.width = _UNLIMITED

    @property
    def is_narrow(self) -> bool:
        """True if there is no room for several columns of text."""
        return self.console.width < _NARROW

    def for_people(self) -> Output:
        """Return a copy that prints no JSON, for a part of a command that has its own document."""
        part = copy(self)
        part.as_json = False
        return part

    def picture(self) -> Picture:
        """Return an output for people whose text is kept, to be shown later on this terminal."""
        return Picture(self)

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

    def link(self, workflow_id: str, run_id: str | None = None) -> None:
        """Print the address of a run's page, if it is known where the Web UI is."""
        if self._web_ui is not None:
            self.line(f"  {self._web_ui.link(workflow_id, run_id)}", "dim")

    def document(self, content: BaseModel | Mapping[str, object] | Sequence[object]) -> None:
        """Print the JSON document, if JSON was asked for."""
        if not self.as_json:
            return
        print(json.dumps(content, ensure_ascii=False, indent=2, default=_plain))


class Picture(Output):
    """Output that prints nothing, but keeps its text for a terminal that is shown as a whole."""

    def __init__(self, of: Output) -> None:
        super().__init__(as_json=False, web_ui=of._web_ui)
        self._text = StringIO()
        self.console = Console(
            file=self._text,
            width=of.console.width,
            force_terminal=True,
            highlight=False,
            emoji=False,
        )

    def shown(self) -> Text:
        """Return all text so far."""
        return Text.from_ansi(self._text.getvalue())


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"not for JSON: {value!r}")
