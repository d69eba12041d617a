"""Event loops of programs: asyncio's own, or a faster one where it is installed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


def run_fast(main: Coroutine[Any, Any, int]) -> int:
    """Run a program on uvloop, or on asyncio's own loop where there is no uvloop.

    A worker takes a tenth less CPU time for an order with it (docs/benchmark.md).
    """
    try:
        import uvloop
    except ImportError:  # as on Windows
        return asyncio.run(main)
    return uvloop.run(main)
