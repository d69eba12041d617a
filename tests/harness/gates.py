"""Holds a request on its way to a service until the test has done what it wants meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from messages.ids import delivery_parts
from messages.participants import BY_SERVICE
from messages.subscriptions import EVENTS
from tests.harness.waiting import PATIENCE


class Gate:
    """Holds all attempts of one activity of one run."""

    def __init__(self, activity: str) -> None:
        self.activity = activity
        #: Set once an attempt stands before the gate.
        self.reached = asyncio.Event()
        #: Set when attempts may pass, now and later.
        self.open = asyncio.Event()
        #: Set while no attempt stands before the gate or has passed without having ended.
        self.landed = asyncio.Event()
        self._under_way = 0

    async def until_reached(self) -> None:
        """Wait until an attempt stands before the gate."""
        await asyncio.wait_for(self.reached.wait(), PATIENCE)

    async def until_landed(self) -> None:
        """Wait until every attempt is over, given up or not."""
        await asyncio.wait_for(self.landed.wait(), PATIENCE)

    async def arrive(self) -> None:
        """Stand before the gate until it opens."""
        self._under_way += 1
        self.landed.clear()
        self.reached.set()
        await self.open.wait()

    def leave(self) -> None:
        """Note that an attempt has ended, whatever came of it."""
        self._under_way -= 1
        if not self._under_way:
            self.landed.set()


class AroundActivities(Interceptor):
    """Interceptor that may do something before or after each attempt of an activity."""

    async def around(self, info: activity.Info, attempt: Callable[[], Awaitable[Any]]) -> object:
        """Make the attempt, and return what it answers, or something else."""
        return await attempt()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Around(next, self)


class _Around(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, outer: AroundActivities) -> None:
        super().__init__(next)
        self._outer = outer

    async def execute_activity(self, input: ExecuteActivityInput) -> object:
        return await self._outer.around(activity.info(), partial(super().execute_activity, input))


def saga_of(info: activity.Info) -> str:
    """Return the workflow id of the order that an activity belongs to."""
    # Events and their deliveries are called after the run that they belong to.
    parts = delivery_parts(info.workflow_id or "")
    return parts[0] if parts else info.workflow_id or ""


def _act_of(info: activity.Info) -> str:
    """Return the activity of a service that an attempt is about."""
    parts = delivery_parts(info.workflow_id or "")
    if parts is None or info.activity_type != "deliver_here":
        return info.activity_type
    return BY_SERVICE[parts[3]].reaction_to(EVENTS[parts[2]])


class Gates(AroundActivities):
    """All gates of one worker."""

    def __init__(self) -> None:
        self._gates: dict[tuple[str, str], Gate] = {}

    def close(self, workflow_id: str, activity: str) -> Gate:
        """Hold an activity of a run, or of its events' deliveries, from now on."""
        gate = self._gates[workflow_id, activity] = Gate(activity)
        return gate

    def open_all(self) -> None:
        """Hold nothing any more, so that the worker can stop."""
        for gate in self._gates.values():
            gate.open.set()

    async def around(self, info: activity.Info, attempt: Callable[[], Awaitable[Any]]) -> object:
        gate = self._gates.get((saga_of(info), _act_of(info)))
        if gate is None:
            return await attempt()
        try:
            await gate.arrive()
            return await attempt()
        finally:
            gate.leave()
