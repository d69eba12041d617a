"""A fifth service needs its own modules, a row in the table and a step: a copy of the tree has one.

The rows are those of ``docs/adding-a-service.md``.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.harness.children import ROOT, ended

PAGE = ROOT / "docs" / "adding-a-service.md"
FIFTH = ROOT / "tests" / "fifth_service"
ROOMS = (*(package.parent.name for package in ROOT.glob("*/__init__.py")), "tests")
STORY = "tests/workflows/test_invoice.py"

#: What holds for each row of the table, beside the invoice's own story.
ALSO = (
    "tests/unit/test_architecture.py",
    "tests/unit/test_subscriptions.py::test_the_activities_of_a_service_know_no_other_service",
    "tests/unit/test_subscriptions.py::test_the_saga_has_a_row_for_each_row_of_the_table",
    "tests/unit/test_subscriptions.py"
    "::test_a_services_activities_are_those_of_the_table_and_take_what_it_says",
)


def documented() -> list[tuple[str, str, str]]:
    """Each change that the page asks for: the file, what stands there, and what replaces it."""
    found, file = [], ""
    for link, change in re.findall(
        r"^In \[`[^`]+`\]\(\.\./([^)]+)\):$|^```diff\n(.*?)^```$",
        PAGE.read_text(),
        re.MULTILINE | re.DOTALL,
    ):
        file = link or file
        if change:
            lines = change.splitlines()
            found.append((file, _side(lines, " -"), _side(lines, " +")))
    return found


def _side(lines: Sequence[str], marks: str) -> str:
    return "\n".join(line[1:] for line in lines if line[0] in marks)


@pytest.fixture
def extended(tmp_path: Path) -> Path:
    """A copy of the tree, to which the service was added."""
    ignored = shutil.ignore_patterns("__pycache__", "replay", "fifth_service", ".*")
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=ignored)
    for file in (*ROOT.glob("*.py"), ROOT / "pyproject.toml"):
        shutil.copy(file, tmp_path)
    for own in filter(Path.is_dir, FIFTH.iterdir()):
        shutil.copytree(own, tmp_path / own.name, dirs_exist_ok=True)
    shutil.copy(FIFTH / "story.py", tmp_path / STORY)
    for name, old, new in documented():
        text = (tmp_path / name).read_text()
        assert text.count(old) == 1, f"{PAGE.name} is out of date: {name} has no\n{old}"
        (tmp_path / name).write_text(text.replace(old, new))
    return tmp_path


def test_the_page_touches_the_table_and_the_saga_only() -> None:
    assert {file for file, _, _ in documented()} == {
        "messages/participants.py",
        "workflows/orchestration/order_saga.py",
    }
    added = {f"{file.relative_to(FIFTH)}" for file in FIFTH.glob("*/**/*.py")}
    assert {file for file in added if (ROOT / file).exists()} == set()


def test_whatever_knew_four_services_knows_the_fifth(extended: Path) -> None:
    tests = ended(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", STORY, *ALSO),
        cwd=extended,
        env={name: value for name, value in os.environ.items() if "PYTEST" not in name},
        timeout=200,
    )
    assert tests.returncode == 0, tests.stdout + tests.stderr
