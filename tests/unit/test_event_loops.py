"""Event loops: the fast one where it is installed, and asyncio's own elsewhere."""

from __future__ import annotations

import asyncio
import sys

import pytest

from runtime.event_loops import run_fast


async def is_on_uvloop() -> int:
    return type(asyncio.get_running_loop()).__module__ == "uvloop"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no uvloop on Windows")
def test_a_program_runs_on_the_fast_loop() -> None:
    assert run_fast(is_on_uvloop())


def test_without_it_a_program_runs_on_asyncios_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert not run_fast(is_on_uvloop())
