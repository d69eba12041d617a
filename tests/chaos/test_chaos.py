"""A short chaos, as a part of the tests; the long one is ``make chaos``."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.chaos import run


def test_whatever_breaks_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    said: list[str] = []
    reckoning = run(tmp_path, seconds=14, orders=8, seed=1, say=said.append, deadline=6)
    assert reckoning.violations == ()
    assert (reckoning.lost, reckoning.doubled) == (0, 0)
    assert reckoning.orders >= 16
    assert reckoning.done["one of two workers killed"] >= 1, said
    assert reckoning.done["Temporal server killed"] >= 1, said
