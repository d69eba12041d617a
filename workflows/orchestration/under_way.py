"""Steps under way: one, or several if the saga's code gathers them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from typing_extensions import Never

from workflows.orchestration.step import Pivot, SagaStep


class _Running(NamedTuple):
    step: SagaStep[Never, object]
    task: asyncio.Task[Any]


class UnderWay:
    """Steps of one saga that have begun and have not ended."""

    def __init__(self) -> None:
        # A dict keeps the order in which they began, and a replay needs that order.
        self._running: dict[str, _Running] = {}

    @contextmanager
    def step(self, step: SagaStep[Never, object]) -> Iterator[None]:
        """Keep a step among those under way as long as the block runs.

        Raises:
            RuntimeError: the step may not run at the same time as those under way.
        """
        for other in self._running.values():
            # What the one commits the saga to, the other may still turn back.
            if type(other.step) is not type(step) or isinstance(step, Pivot):
                raise RuntimeError(f"{step.name} and {other.step.name} cannot run at the same time")
        task = asyncio.current_task()
        assert task is not None
        self._running[step.name] = _Running(step, task)
        try:
            yield
        finally:
            del self._running[step.name]

    def is_over(self) -> bool:
        """Tell whether no step is under way."""
        return not self._running

    def interrupt(self, also: asyncio.Task[None] | None = None) -> None:
        """Cancel the current action of each step, except of the step that calls this.

        An action that waits for its next retry ends at once. If an attempt is running, the action
        ends with that attempt.

        Args:
            also: another task to cancel, which may be one of these.
        """
        tasks: dict[asyncio.Task[Any], None] = {r.task: None for r in self._running.values()}
        if also is not None:
            tasks[also] = None
        for task in tasks:
            if task is not asyncio.current_task():
                task.cancel()
