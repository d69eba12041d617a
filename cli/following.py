"""Following one run until it ends, or cannot go on without an operator."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Protocol

from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from cli.runs import WORKER_TIMEOUT, Handle, Outcome, outcome
from messages.sagas import SagaStatus, SagaView, StepState

#: How a run ended; or, if it waits for an operator, where it stands.
Followed = Outcome | SagaView

_LOOK_EVERY = 0.1
#: Seconds that the server may be away, being restarted, before we give up on it.
_SERVER_PATIENCE = 120.0
#: Seconds that a parked saga gets to undo its other steps before we report it.
_SETTLING = 3.0


class Audience(Protocol):
    """Is told what happens to the run."""

    def show(self, view: SagaView) -> None: ...

    def silent(self, *, server: bool) -> None:
        """Nobody answers: no worker, or not even the server."""


async def follow(run: Handle, audience: Audience) -> Followed:
    """Watch the run until it is closed or parked.

    Raises:
        RPCError: the server has not answered for two minutes.
    """
    ended = asyncio.create_task(outcome(run))
    heard = time.monotonic()
    parked: float | None = None
    try:
        while not ended.done():
            try:
                view = await look(run)
            except RPCError as error:
                gone = error.status is RPCStatusCode.UNAVAILABLE
                if gone and time.monotonic() - heard > _SERVER_PATIENCE:
                    raise
                audience.silent(server=gone)
            else:
                heard = time.monotonic()
                if view is not None:
                    audience.show(view)
                if view is not None and view.status is SagaStatus.NEEDS_INTERVENTION:
                    parked = parked or time.monotonic()
                    if _at_rest(view) or time.monotonic() - parked > _SETTLING:
                        return view
            await asyncio.wait({ended}, timeout=_LOOK_EVERY)
        result = await ended
        await _show_the_end(run, audience)
        return result
    finally:
        ended.cancel()


async def _show_the_end(run: Handle, audience: Audience) -> None:
    """Show the last steps, which were taken since the last look, if a worker still tells."""
    with suppress(RPCError):
        view = await look(run)
        if view is not None:
            audience.show(view)


def _at_rest(view: SagaView) -> bool:
    return all(step.state is not StepState.COMPENSATING for step in view.steps)


async def look(run: Handle) -> SagaView | None:
    """Ask the run's worker where the saga stands; None when the run has no saga to show.

    Raises:
        RPCError: no worker answered in time, or no server.
    """
    try:
        view: SagaView = await run.query("status", result_type=SagaView, rpc_timeout=WORKER_TIMEOUT)
    except WorkflowQueryFailedError:
        return None
    return view
