"""Health of a worker over HTTP: ``/live``, and ``/ready`` with what is missing.

A check asks the thing itself when somebody asks for the worker's health: Temporal, whether this
worker polls, and each ledger, whether it answers. Nothing is concluded from the worker's start.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager

from temporalio.client import Client

from messages.text import one_line
from runtime.pollers import ACTIVITIES, WORKFLOW_TASKS, pollers
from runtime.shared_keys import worker_identity

#: Seconds after which a check that has not ended is reported as having no answer.
ANSWER_WITHIN = 3.0

#: Ends if all is well; its exception says what is not.
Check = Callable[[], Awaitable[None]]


class NotReady(Exception):
    """Something that a worker needs is missing; the message names it."""


class Readiness:
    """Set of checks, each of which runs at most once at a time, however often it is asked for."""

    def __init__(self, checks: Mapping[str, Check], answer_within: float = ANSWER_WITHIN) -> None:
        self._checks = checks
        self._answer_within = answer_within
        self._running: dict[str, asyncio.Task[str | None]] = {}

    async def missing(self) -> dict[str, str]:
        """Return what is missing, by the name of its check, within the time for an answer."""
        said = zip(
            self._checks, await asyncio.gather(*map(self._missing, self._checks)), strict=True
        )
        return {name: missing for name, missing in said if missing is not None}

    async def _missing(self, name: str) -> str | None:
        task = self._running.get(name)
        if task is None or task.done():
            task = self._running[name] = asyncio.create_task(_missing(self._checks[name]))
        # One that hangs is not ended, and not begun again: it may occupy a thread.
        done, _ = await asyncio.wait({task}, timeout=self._answer_within)
        return task.result() if done else f"no answer within {self._answer_within:g} s"


async def _missing(check: Check) -> str | None:
    try:
        await check()
    except Exception as error:
        return one_line(error) or type(error).__name__
    return None


def polling_check(client: Client, identity: str, task_queue: str, *, workflows: bool) -> Check:
    """Return the check that a worker with this identity polls a task queue.

    Temporal lists who has polled in the last minutes. So the identity has to be of this process
    alone: under that of a container, the one before it would still be listed.

    Args:
        workflows: the worker polls for workflow tasks as well as for activities.
    """
    kinds = {"activities": ACTIVITIES, **({"workflow tasks": WORKFLOW_TASKS} if workflows else {})}

    async def check() -> None:
        polled = await asyncio.gather(*(pollers(client, task_queue, k) for k in kinds.values()))
        idle = [name for name, by in zip(kinds, polled, strict=True) if identity not in by]
        if idle:
            raise NotReady(f"this worker does not poll for {' and '.join(idle)}")

    return check


def worker_checks(
    client: Client,
    stop: asyncio.Event,
    task_queues: Sequence[str],
    workflow_queue: str | None,
    ledgers: Mapping[str, Callable[[], None]],
) -> dict[str, Check]:
    """Return the checks of a worker, by the name of what they look at.

    Args:
        stop: is set when the worker is told to stop.
        workflow_queue: the one of its task queues on which the worker runs workflows, if any.
        ledgers: checks of ledgers; each takes a thread as long as it runs.
    """
    identity = worker_identity(client)
    # Not the event loop's own threads: its end would wait for a ledger that hangs.
    threads = ThreadPoolExecutor(len(ledgers) or 1, "health")

    async def not_stopping() -> None:
        if stop.is_set():
            raise NotReady("it is stopping")

    return {
        "worker": not_stopping,
        **{
            f"task queue {queue}": polling_check(
                client, identity, queue, workflows=queue == workflow_queue
            )
            for queue in task_queues
        },
        **{name: _in_thread(threads, check) for name, check in ledgers.items()},
    }


def _in_thread(threads: Executor, check: Callable[[], None]) -> Check:
    async def checked() -> None:
        await asyncio.get_running_loop().run_in_executor(threads, check)

    return checked


@asynccontextmanager
async def health_served(
    address: str | None, checks: Mapping[str, Check]
) -> AsyncIterator[str | None]:
    """Serve the worker's health at ``host:port`` until the context ends; at None, do nothing.

    Yield the URL at which it tells whether the worker is ready.

    Raises:
        FatalError: it cannot listen at the address.
    """
    if address is None:
        yield None
        return
    # Imported here, because a worker without the endpoint does not need a web server.
    from runtime.health_app import health_app
    from runtime.http_server import http_server, listener

    host, _, port = address.rpartition(":")
    with listener(host.strip("[]"), int(port)) as listening:
        server = http_server(health_app(Readiness(checks)))
        serving = asyncio.create_task(server.serve([listening]))
        try:
            yield f"http://{host}:{listening.getsockname()[1]}/ready"
        finally:
            server.should_exit = True
            await serving
