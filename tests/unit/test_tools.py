"""The checks of ``make check`` that are our own find what breaks their rules, and say where."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from tools.commands import Known, check_commands, make_targets
from tools.docstrings import check_docstrings
from tools.documents import Document
from tools.findings import Finding
from tools.links import check_links

KNOWN = Known({"demo", "test"}, {"order": {"--json", "--help"}, "move-ledgers": {"--note"}})


def found(findings: Iterable[Finding]) -> list[str]:
    return [str(finding) for finding in findings]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ('"""What it is."""', "part.py:1: a module's docstring begins with a noun, not What"),
        (
            'class Run:\n    """Whether it ran."""',
            "part.py:2: a class's docstring begins with a noun, not Whether",
        ),
        (
            'class Run:\n    """Is a run."""',
            "part.py:2: a class's docstring begins with a noun, not Is",
        ),
        (
            'class Run:\n    def end(self) -> None:\n        """How, when and why it ended."""',
            "part.py:3: a function's docstring begins with a verb, not How",
        ),
        (
            'async def end() -> None:\n    """Where it ended."""',
            "part.py:2: a function's docstring begins with a verb, not Where",
        ),
    ],
)
def test_a_docstring_that_opens_with_the_wrong_word_is_found(
    tmp_path: Path, source: str, wrong: str
) -> None:
    write(tmp_path / "part.py", source)
    assert found(check_docstrings(tmp_path)) == [wrong]


def test_docstrings_that_open_as_they_should_pass_and_hidden_folders_are_left_out(
    tmp_path: Path,
) -> None:
    write(tmp_path / "part.py", '"""Runs and their ends."""\ndef end() -> None:\n    """Do it."""')
    write(tmp_path / ".venv" / "part.py", '"""What it is."""')
    assert found(check_docstrings(tmp_path)) == []


PAGE = """\
# The saga, `twice`

See [the other](docs/other.md#two-words) page
and [here](#the-saga-twice), [a name](docs/other.md#own), [it](https://example.org/nothing),
[code](code.py#L2) and <a href="code.py">code</a>.
"""
OTHER = '## Two words\n\n## Two words\n\n## <a id="own"></a>사가란 무엇인가?\n'


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A page and another one below it, whose links all lead somewhere."""
    write(tmp_path / "README.md", PAGE)
    write(tmp_path / "docs" / "other.md", OTHER)
    write(tmp_path / "code.py", "one\ntwo\n")
    return tmp_path


def test_links_to_files_headings_and_lines_that_are_there_pass(pages: Path) -> None:
    assert found(check_links(pages)) == []


@pytest.mark.parametrize(
    ("link", "wrong"),
    [
        ("docs/gone.md", "no such file: docs/gone.md"),
        ("docs/other.md#gone", "no such heading: docs/other.md#gone"),
        ("docs/other.md#two-words-2", "no such heading: docs/other.md#two-words-2"),
        ("#gone", "no such heading: #gone"),
        ("code.py#L3", "no such heading: code.py#L3"),
        ("/code.py", "/code.py leads out of the project; give the path from this page"),
    ],
)
def test_a_link_that_leads_nowhere_is_found(pages: Path, link: str, wrong: str) -> None:
    write(pages / "README.md", f"{PAGE}\nand\n[more]({link})\n")
    assert found(check_links(pages)) == [f"README.md:8: {wrong}"]


def test_a_heading_has_the_anchor_that_github_gives_to_it(pages: Path) -> None:
    anchors = Document(pages / "docs" / "other.md").anchors
    assert anchors == {"two-words", "two-words-1", "own", "사가란-무엇인가"}


@pytest.mark.parametrize(
    ("page", "wrong"),
    [
        ("```\nmake test\n```", "1: a block says what it is"),
        ("```bash\nmake test\n```", "1: the tests know the blocks for a shell as sh, not bash"),
        ("```sh\nmake nothing\n```", "1: no such target: make nothing"),
        ("```console\n$ A=b make nothing\nmake: done\n```", "1: no such target: make nothing"),
        (
            "```sh\nx && .venv/bin/python starter.py away\n```",
            "1: no such command: starter.py away",
        ),
        ("```sh\nstarter.py order \\\n  --fast\n```", "1: no such option: starter.py order --fast"),
        ("Type\n`make nothing`.", "2: no such target: make nothing"),
        ("Type `starter.py order F --jsn`.", "1: no such option: starter.py order --jsn"),
        ("<!-- not run here: no cluster -->\n\nText.", "1: this note belongs directly above"),
        ("```sh\nmake test\n```\n<!-- exit code: 1 -->", "4: this note"),
        ("<!-- not run here -->\n```sh\nmake test\n```", "1: a note is <!-- not run here: REASON"),
        ("<!-- exit code: 1 -->\n```sh\nmake test\nmake demo\n```", "2: a block with an exit code"),
    ],
)
def test_a_command_that_does_not_exist_or_a_block_that_is_not_clear_is_found(
    tmp_path: Path, page: str, wrong: str
) -> None:
    write(tmp_path / "README.md", page)
    findings = found(check_commands(tmp_path, KNOWN))
    assert [finding.startswith(f"README.md:{wrong}") for finding in findings] == [True], findings


def test_commands_that_exist_pass(tmp_path: Path) -> None:
    write(
        tmp_path / "README.md",
        "`make demo ARGS=--exit`, `starter.py move-ledgers --note x`, `make PYTHON=…`\n\n"
        "<!-- not run here: it takes long -->\n```sh\nX=1 make test  # make nothing\n```\n\n"
        "```console\n$ make demo\nmake nothing\n```\n",
    )
    assert found(check_commands(tmp_path, KNOWN)) == []


def test_the_targets_of_make_are_read_from_its_file(tmp_path: Path) -> None:
    write(tmp_path / "Makefile", "X := y\n.PHONY: z\ndemo: a\n\t@b: c\nhelp:  ## this\n")
    assert make_targets(tmp_path) == {"demo", "help"}


def test_a_block_tells_what_a_reader_types_and_whether_the_tests_run_it(tmp_path: Path) -> None:
    write(
        tmp_path / "README.md",
        "```sh\nmake a\n```\n\n<!-- exit code: 1 -->\n```console\n$ make b\nout\n```\n\n"
        "```text\n$ c\n```\n\n<!-- not run here: d -->\n\n```sh\nmake d\n```\n",
    )
    blocks = Document(tmp_path / "README.md").blocks
    assert [block.commands() for block in blocks] == ["make a\n", "make b\n", "", "make d\n"]
    assert [block.is_run for block in blocks] == [True, True, False, False]
    assert [block.exit_code for block in blocks] == [0, 1, 0, 0]
