"""Queries to a run's worker, and the reasons why no answer came."""

from __future__ import annotations

from typing import TypeVar, get_origin

from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from cli.failing import MEND, failing_task_of
from cli.output import program
from messages import wire
from messages.sagas import SagaView
from messages.text import phrase
from runs.descriptions import WORKER_TIMEOUT, Handle, reason

_T = TypeVar("_T")


class QueryFailed(Exception):
    """The worker's code cannot answer; it does not know the run, or fails on its history."""


class UnreadableAnswer(Exception):
    """The worker answered, but with something else."""


#: Why a run may tell nothing of itself.
SILENCE = (QueryFailed, UnreadableAnswer, RPCError)


async def ask(run: Handle, query: str, kind: type[_T]) -> _T:
    """Return the answer of the run's worker.

    Raises:
        QueryFailed, UnreadableAnswer: see there.
        RPCError: no worker answered in time, or no server; or the run's task fails.
    """
    try:
        answer: object = await run.query(query, result_type=kind, rpc_timeout=WORKER_TIMEOUT)
    except RPCError:
        raise
    except WorkflowQueryFailedError as error:
        raise QueryFailed(reason(error)) from None
    except Exception as error:  # whatever decoding raises
        raise UnreadableAnswer(reason(error)) from None
    if not isinstance(answer, get_origin(kind) or kind):
        raise UnreadableAnswer(f"it is {phrase(repr(answer))}")
    return answer


async def look(run: Handle) -> SagaView:
    """Ask where the saga stands; see :func:`ask`."""
    return await ask(run, wire.STATUS, SagaView)


async def why_silent(client: Client, run: Handle, task_queue: str, error: Exception) -> str:
    """Say in one line why an open run did not answer, and what to do about it.

    Raises:
        RPCError: the server is gone.
    """
    if isinstance(error, RPCError) and error.status is RPCStatusCode.UNAVAILABLE:
        raise error
    if isinstance(error, UnreadableAnswer):
        return f"what it tells of itself cannot be read: {error}"
    failing = await failing_task_of(client, run)
    if failing is not None:
        return f"{failing}; {MEND}"
    if isinstance(error, QueryFailed):
        # A query is a workflow task as well, but one that nobody counts.
        return f"its workflow task fails: {error}; {MEND}"
    return nobody_answers(task_queue)


def nobody_answers(task_queue: str) -> str:
    """Return what to say when a call that a worker has to answer was not answered."""
    return f"no worker answers on task queue {task_queue!r}; start one: {program('worker.py')}"
