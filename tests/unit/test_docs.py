"""The documentation says what is there: promises have tests, the front pages agree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import typer.main

from runtime.exits import ExitCode
from starter import app

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FRONT_PAGES = ("README.md", "README.ko.md")
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

#: A pointer to the other language's page is the one thing in which the two differ.
_EACH_OTHER = set(FRONT_PAGES)
_FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: What may be said of a seed: it makes chance repeatable. Two names of files and options stand.
_ABOUT_CHANCE = re.compile(r"random\s+seeds?|--seed|^seed = |seed\.toml", re.I | re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")


class Promise(NamedTuple):
    """A row of the table of promises."""

    number: int
    #: The name of each test, in words, and the file that it is in.
    tests: tuple[tuple[str, str], ...]


def promises() -> Iterator[Promise]:
    for row in re.findall(r"^\| (\d+) \|.*\|(.*)\|$", text("docs/promises.md"), re.MULTILINE):
        yield Promise(int(row[0]), tuple(_LINK.findall(row[1])))


def text(page: str) -> str:
    return (ROOT / page).read_text()


def blocks(page: str, language: str) -> list[str]:
    return [body for found, body in _FENCED.findall(text(page)) if found == language]


def prose(page: str) -> str:
    return _FENCED.sub("", text(page))


def code_spans(page: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", prose(page)))


def targets(page: str) -> set[str]:
    return {target for _, target in _LINK.findall(prose(page))} - _EACH_OTHER


def exit_codes(page: str) -> list[int]:
    return [int(code) for code in re.findall(r"^\| (\d+) \|", text(page), re.MULTILINE)]


def files_of_the_map(page: str) -> list[str]:
    tree = next(block for block in blocks(page, "text") if block.startswith("worker.py"))
    found: list[str] = []
    folder = ""
    for indent, name in re.findall(r"^(| {2})([a-z_]+(?:\.py|/)) ?", tree, re.MULTILINE):
        folder = folder if indent else name
        found.append(folder + name if indent else name)
    return found


def defined_tests(file: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    }


def test_each_of_the_33_promises_has_a_row() -> None:
    assert [promise.number for promise in promises()] == list(range(1, 34))


@pytest.mark.parametrize("promise", list(promises()), ids=lambda promise: str(promise.number))
def test_each_promise_names_tests_that_exist(promise: Promise) -> None:
    assert promise.tests
    for words, link in promise.tests:
        file = (DOCS / link).resolve()
        assert file.is_file(), f"{link} is not there"
        name = f"test_{words.replace(' ', '_')}"
        assert name in defined_tests(file), f"{link} has no {name}"


def test_each_promise_is_explained() -> None:
    explained: set[int] = set()
    for first, last in re.findall(
        r"^### (?:<a [^>]+></a>)?(\d+)(?: to (\d+))?\. ", text("docs/concepts.md"), re.MULTILINE
    ):
        explained.update(range(int(first), int(last or first) + 1))
    assert explained == {promise.number for promise in promises()}


def test_the_front_page_is_short() -> None:
    assert len(text("README.md").split()) <= 1100


def test_both_front_pages_name_the_same_commands() -> None:
    english, korean = FRONT_PAGES
    assert blocks(english, "sh") == blocks(korean, "sh")
    assert code_spans(english) == code_spans(korean)


def test_both_front_pages_name_the_same_files() -> None:
    english, korean = FRONT_PAGES
    assert targets(english) == targets(korean)
    assert files_of_the_map(english) == files_of_the_map(korean)


@pytest.mark.parametrize("page", FRONT_PAGES)
def test_a_front_page_names_every_command_and_exit_code(page: str) -> None:
    command_line = typer.main.get_command(app)
    commands = getattr(command_line, "commands", {})
    named = {span.split()[1] for span in code_spans(page) if span.startswith("starter.py ")}
    assert named == set(commands)
    assert exit_codes(page) == sorted(ExitCode)


@pytest.mark.parametrize("page", FRONT_PAGES)
def test_what_the_map_shows_is_there(page: str) -> None:
    shown = files_of_the_map(page)
    assert {"worker.py", "workflows/", "workflows/policies.py"}.issubset(shown)
    assert [name for name in shown if not (ROOT / name).exists()] == []


def test_every_page_is_in_the_index() -> None:
    index = DOCS / "README.md"
    links = _LINK.findall(index.read_text())
    indexed = {(DOCS / link.split("#")[0]).resolve() for _, link in links}
    assert set(DOCS.rglob("*.md")) - indexed == {index}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_seed_means_the_random_seed_and_nothing_else(page: Path) -> None:
    for line in _ABOUT_CHANCE.sub("", page.read_text()).splitlines():
        assert "seed" not in line.lower()
