"""Parsed Markdown pages, for the checks and for the test of the documented commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tools.findings import files

#: Note that says why the tests do not run the shell block below it.
NOT_RUN = re.compile(r"<!--\s*not run here:\s*(\S.*?)\s*-->", re.DOTALL)
#: Note that gives the exit code of the single command in the shell block below it.
EXIT_CODE = re.compile(r"<!--\s*exit code:\s*(\d+)\s*-->")
ANCHOR = re.compile(r"<\w+\b[^>]*\b(?:id|name)=\"([^\"]+)\"")
HTML_LINK = re.compile(r"<\w+\b[^>]*\b(?:href|src)=\"([^\"]+)\"")

_parser = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Text:
    """Part of a page, with its line number."""

    line: int
    content: str


@dataclass(frozen=True)
class Block:
    """Fenced block of a page; ``note`` is the comment directly above it."""

    line: int
    language: str
    content: str
    note: str

    @property
    def is_run(self) -> bool:
        """Tell whether the tests run its commands."""
        return bool(self.commands()) and not NOT_RUN.search(self.note)

    @property
    def exit_code(self) -> int:
        """Expected exit code of its commands."""
        found = EXIT_CODE.search(self.note)
        return int(found[1]) if found else 0

    def commands(self) -> str:
        """Return what a reader types: all of an ``sh`` block, or lines of a console after ``$``."""
        if self.language == "sh":
            return self.content
        lines = self.content.splitlines() if self.language == "console" else []
        return "".join(f"{line[2:]}\n" for line in lines if line.startswith("$ "))


class Document:
    """Markdown page with its anchors, links, code spans and blocks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.anchors: set[str] = set()
        self.links: list[Text] = []
        self.spans: list[Text] = []
        self.blocks: list[Block] = []
        self.notes: list[Text] = []
        self._read(_parser.parse(path.read_text("utf-8")))

    def _read(self, tokens: list[Token]) -> None:
        before = None
        for token in tokens:
            line = token.map[0] + 1 if token.map else 1
            if token.type == "fence":
                note = before.content if before and before.type == "html_block" else ""
                self.blocks.append(Block(line, token.info.strip(), token.content, note))
            elif token.type == "html_block":
                self._read_html(Text(line, token.content))
                self.notes.append(Text(line, token.content))
            elif token.type == "inline":
                self._read_inline(line, token.children or [])
                if before and before.type == "heading_open":
                    self.anchors.add(self._unused(slug(token.children or [])))
            before = token

    def _read_inline(self, line: int, children: list[Token]) -> None:
        for child in children:
            if child.type in ("softbreak", "hardbreak"):
                line += 1
            elif child.type == "code_inline":
                self.spans.append(Text(line, child.content))
            elif child.type == "html_inline":
                self._read_html(Text(line, child.content))
            target = child.attrs.get("href") or child.attrs.get("src")
            if target:
                self.links.append(Text(line, str(target)))

    def _read_html(self, html: Text) -> None:
        self.anchors.update(ANCHOR.findall(html.content))
        self.links.extend(Text(html.line, target) for target in HTML_LINK.findall(html.content))

    def _unused(self, anchor: str) -> str:
        number = 0
        unused = anchor
        while unused in self.anchors:
            number += 1
            unused = f"{anchor}-{number}"
        return unused


def understood(note: str) -> bool:
    """Tell whether a note says how the commands below it are tested."""
    return bool(NOT_RUN.search(note) or EXIT_CODE.search(note))


def slug(heading: list[Token]) -> str:
    """Return the anchor that GitHub gives to a heading."""
    words = "".join(part.content for part in heading if part.type in ("text", "code_inline"))
    return re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")


def documents(root: Path) -> Iterator[Document]:
    """Read the Markdown pages below a folder."""
    return map(Document, files(root, ".md"))
