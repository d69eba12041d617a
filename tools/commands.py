"""Check of the commands in the pages: they exist, and each shell block is run or says why not.

``tests/acceptance/test_documented_commands.py`` runs the blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from tools.documents import Block, Document, documents, understood
from tools.findings import Finding

MAKE = re.compile(r"(?:^|[;&|]\s*)(?:[A-Z_]+=\S+ +)*make +([a-z][\w-]*)", re.MULTILINE)
STARTER = re.compile(r"\bstarter\.py +([a-z][\w-]*)([^|;&\n]*)")
OPTION = re.compile(r"(?<!\S)--?[a-z][\w-]*")
COMMENT = re.compile(r"(?:^|\s)#.*$", re.MULTILINE)
NOTE = re.compile(r"<!--\s*(?:not run here|exit code)")


@dataclass(frozen=True)
class Known:
    """Existing commands: targets of make, and commands of ``starter.py`` with their options."""

    targets: Set[str]
    starter: Mapping[str, Set[str]]


def make_targets(root: Path) -> set[str]:
    """Return the targets of the Makefile that people may use."""
    makefile = (root / "Makefile").read_text("utf-8")
    return set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE))


def check_commands(root: Path, known: Known) -> Iterator[Finding]:
    """Find commands that do not exist, and blocks with unclear language or notes."""
    for page in documents(root):
        name = page.path.relative_to(root).as_posix()
        for line, wrong in _wrong_in(page, known):
            yield Finding(name, line, wrong)


def _wrong_in(page: Document, known: Known) -> Iterator[tuple[int, str]]:
    for block in page.blocks:
        yield from ((block.line, wrong) for wrong in _wrong_block(block))
        yield from ((block.line, wrong) for wrong in _unknown(block.commands(), known))
    for span in page.spans:
        yield from ((span.line, wrong) for wrong in _unknown(span.content, known))
    used = {block.note for block in page.blocks if block.commands()}
    for note in page.notes:
        if note.content not in used and NOTE.search(note.content):
            yield note.line, "this note belongs directly above a block of commands"
        elif NOTE.search(note.content) and not understood(note.content):
            yield note.line, "a note is <!-- not run here: REASON --> or <!-- exit code: 1 -->"


def _wrong_block(block: Block) -> Iterator[str]:
    if not block.language:
        yield "a block says what it is: sh for commands, console for a session, text for output"
    elif block.language in ("bash", "shell", "zsh"):
        yield f"the tests know the blocks for a shell as sh, not {block.language}"
    if block.exit_code and len(block.commands().splitlines()) != 1:
        yield "a block with an exit code has one command"


def _unknown(text: str, known: Known) -> Iterator[str]:
    plain = COMMENT.sub("", text.replace("\\\n", " "))
    for target in MAKE.findall(plain):
        if target not in known.targets:
            yield f"no such target: make {target}"
    for name, rest in STARTER.findall(plain):
        if name not in known.starter:
            yield f"no such command: starter.py {name}"
            continue
        for option in OPTION.findall(rest):
            if option not in known.starter[name]:
                yield f"no such option: starter.py {name} {option}"
