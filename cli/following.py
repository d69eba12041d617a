"""Observation of one run until it ends or waits for an operator."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Protocol

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from cli.run_queries import SILENCE, look, why_silent
from messages.sagas import SagaStatus, SagaView, StepState
from runs.descriptions import SERVER_TIMEOUT, Handle
from runs.results import Outcome, outcome

#: Outcome of a run; or its steps, if it waits for an operator.
Followed = Outcome | SagaView

_LOOK_EVERY = 0.1
#: Seconds until the next query after one that was not answered.
_LOOK_AGAIN_AFTER = 0.5
#: Seconds to wait for a server that is being restarted.
_SERVER_PATIENCE = 120.0
#: Seconds that a parked saga has to undo its other steps before it is reported.
_SETTLING = 3.0
_NO_SERVER = "the server does not answer (waiting for it)"


class Observer(Protocol):
    """Receiver of news about the run."""

    def show(self, view: SagaView) -> None: ...

    def silent(self, why: str) -> None:
        """Take note that the run does not answer."""


async def follow(client: Client, run: Handle, observer: Observer) -> Followed:
    """Observe the run until it is closed or parked.

    Raises:
        RPCError: the server has not answered for two minutes.
    """
    ended = asyncio.create_task(outcome(run))
    heard = time.monotonic()
    parked: float | None = None
    try:
        # On the fast path, a query during the only workflow task would cost a second task.
        await asyncio.wait({ended}, timeout=_LOOK_EVERY)
        while not ended.done():
            try:
                view = await look(run)
            except SILENCE as error:
                gone = _is_gone(error)
                if gone and time.monotonic() - heard > _SERVER_PATIENCE:
                    raise
                why = _NO_SERVER if gone else await _why_silent(client, run, error)
                if why is not None:
                    observer.silent(why)
                await asyncio.wait({ended}, timeout=_LOOK_AGAIN_AFTER)
            else:
                heard = time.monotonic()
                observer.show(view)
                if view.status is SagaStatus.NEEDS_INTERVENTION:
                    parked = parked or time.monotonic()
                    if _at_rest(view) or time.monotonic() - parked > _SETTLING:
                        return view
                await asyncio.wait({ended}, timeout=_LOOK_EVERY)
        result = await ended
        await _show_the_end(run, observer)
        return result
    finally:
        ended.cancel()


async def _show_the_end(run: Handle, observer: Observer) -> None:
    """Show the steps taken since the last query, if a worker still answers."""
    with suppress(*SILENCE):
        observer.show(await look(run))


def _at_rest(view: SagaView) -> bool:
    return all(step.state is not StepState.COMPENSATING for step in view.steps)


async def _why_silent(client: Client, run: Handle, error: Exception) -> str | None:
    try:
        described = await run.describe(rpc_timeout=SERVER_TIMEOUT)
        if described.status is not WorkflowExecutionStatus.RUNNING:
            return None  # the result will arrive soon
        why = await why_silent(client, run, described.task_queue, error)
    except RPCError:
        return _NO_SERVER
    return f"{why} (waiting for it)"


def _is_gone(error: Exception) -> bool:
    return isinstance(error, RPCError) and error.status is RPCStatusCode.UNAVAILABLE
