"""Classic saga bugs: ours have none, and each check finds its bug in a textbook variant."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from trials.scoreboard.checks import CHECKS
from trials.scoreboard.contenders import CONTENDERS
from trials.scoreboard.scoreboard import as_text, fails, play

CLASSIC_BUGS = Path(__file__).parents[2] / "docs" / "classic-bugs.md"

AFTER, SHIELDED, STOP = "register after", "shielded undo", "stop at failure"

#: Bugs of each textbook variant. A variant with other bugs is no longer the textbook's.
EXPECTED = {
    "action lands after its undo, by cancel": {AFTER, SHIELDED},
    "action lands after its undo, by time-out": {AFTER, SHIELDED, STOP},
    "first cancel during compensation": {SHIELDED},
    "cancel in a timer missed by except Exception": {AFTER},
    "cancel swallowed by a completing activity": {STOP},
    "late external event": {AFTER, SHIELDED, STOP},
    "execution time-out as deadline": {AFTER},
    "step outside the protected region": {SHIELDED},
    "registered after the action": {AFTER},
    "shared keys across steps": {STOP},
    "partial input accepted": {AFTER, SHIELDED},
    "duplicate and reordered events": {AFTER, SHIELDED, STOP},
    "undo in forward order": {STOP},
    "failed undo stops the others": {STOP},
    "failed undo looks like a clean rollback": {AFTER, SHIELDED},
    "undo without retries": {STOP},
    "undo keyed by the reply it never got": {AFTER, SHIELDED},
    "rolled back but Completed": {AFTER},
    "settled by hand, then forgotten": {AFTER, SHIELDED, STOP},
    "second charge past retention": {AFTER, SHIELDED, STOP},
    "unreadable reply": {AFTER, SHIELDED},
    "reset of a parked order": {AFTER, SHIELDED, STOP},
    "lost ledger": {AFTER, SHIELDED, STOP},
}


async def test_ours_have_no_classic_bug_and_each_check_finds_its_bug_somewhere(
    env: WorkflowEnvironment, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    board = await play(env, tmp_path)
    picture = as_text(board)
    record_property("scoreboard", picture)
    assert fails(board) == []
    found = {
        bug: {name for name, what in seen.items() if what} for bug, seen in board.results.items()
    }
    assert found == EXPECTED
    assert picture in CLASSIC_BUGS.read_text(), "docs/classic-bugs.md shows another table"


def test_every_check_is_failed_by_a_variant_and_by_none_of_ours() -> None:
    assert [check.bug for check in CHECKS] == list(EXPECTED)
    variants = {contender.name for contender in CONTENDERS if not contender.ours}
    assert all(failed and failed <= variants for failed in EXPECTED.values())


def test_every_bug_is_explained_and_so_is_who_cannot_have_it() -> None:
    page = CLASSIC_BUGS.read_text()
    assert re.findall(r"^### (.*)$", page, re.MULTILINE) == [check.bug for check in CHECKS]
    for check in CHECKS:
        explained = page.split(f"### {check.bug}\n")[1].split("\n#")[0]
        for_all = all(check.concerns(contender) for contender in CONTENDERS)
        assert ("n/a" not in explained) is for_all, check.bug
