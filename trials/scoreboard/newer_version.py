"""Worker of a newer version, which polls the same task queue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from temporalio import activity

from tests.harness.gates import AroundActivities, saga_of


class NewerVersion(AroundActivities):
    """Takes some activities, carries them out, and answers as nobody here understands."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, str]] = set()

    def take(self, workflow_id: str, activity: str) -> None:
        """Take this activity of a run, or of the deliveries of its events, from now on."""
        self._taken.add((workflow_id, activity))

    async def around(self, info: activity.Info, attempt: Callable[[], Awaitable[Any]]) -> object:
        reply = await attempt()
        taken = (saga_of(info), info.activity_type) in self._taken
        return {"format": 2, "reply": reply} if taken else reply
