"""Short chaos as a part of the tests; the long one is ``make chaos``."""

from __future__ import annotations

from pathlib import Path

from trials.chaos.chaos import run


def test_whatever_breaks_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    said: list[str] = []
    chaos = run(tmp_path, seconds=0, orders=10, seed=1, say=said.append, deadline=8)
    found = chaos.reckoning
    assert (found.lost, found.doubled, found.violations) == ({}, {}, [])
    assert found.ends.keys() <= {"succeeded", "undone"}
    assert found.ends.total() >= 2 * 10
    # A fault without an effect proves nothing.
    assert [kind for kind, times in chaos.done.items() if times == 0] == [], said
    assert chaos.impossible.keys() <= {"disk full"}
    assert chaos.planned > 0
