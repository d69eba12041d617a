"""Queries to a run, and the reasons why a run does not answer."""

from __future__ import annotations

from typing import TypeVar, get_origin

from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from cli.failing import REMEDY, failing_task
from cli.paused import why_paused
from messages import wire
from messages.sagas import SagaView
from messages.text import phrase
from runs.descriptions import WORKER_TIMEOUT, Handle, description, reason
from runtime.programs import program

_T = TypeVar("_T")


class QueryFailed(Exception):
    """The worker's code does not know the query, or fails on the run's history."""


class UnreadableAnswer(Exception):
    """The worker's answer is not of the expected type."""


#: Errors of a query that was not answered.
SILENCE = (QueryFailed, UnreadableAnswer, RPCError)


async def ask(run: Handle, query: str, kind: type[_T]) -> _T:
    """Query the run and return its answer.

    Raises:
        QueryFailed, UnreadableAnswer: a worker answered, but not with the value.
        RPCError: no worker or server answered in time, or the run's workflow task fails.
    """
    try:
        answer: object = await run.query(query, result_type=kind, rpc_timeout=WORKER_TIMEOUT)
    except RPCError:
        raise
    except WorkflowQueryFailedError as error:
        raise QueryFailed(reason(error)) from None
    except Exception as error:  # decoding may raise any exception
        raise UnreadableAnswer(reason(error)) from None
    if not isinstance(answer, get_origin(kind) or kind):
        raise UnreadableAnswer(f"it is {phrase(repr(answer))}")
    return answer


async def look(run: Handle) -> SagaView:
    """Return the steps of the saga with their states; raises as :func:`ask` does."""
    return await ask(run, wire.STATUS, SagaView)


async def why_silent(client: Client, run: Handle, task_queue: str, error: Exception) -> str:
    """Return one line that says why an open run did not answer, and what to do about it.

    Raises:
        RPCError: the server does not answer.
    """
    if isinstance(error, RPCError) and error.status is RPCStatusCode.UNAVAILABLE:
        raise error
    stuck = await why_stuck(client, run)
    if stuck is not None:
        return stuck
    if isinstance(error, UnreadableAnswer):
        return f"its answer cannot be read: {error}"
    if isinstance(error, QueryFailed):
        # The server counts the failures of workflow tasks, but not those of queries.
        return f"its workflow task fails: {error}; {REMEDY}"
    return nobody_answers(task_queue)


async def why_stuck(client: Client, run: Handle) -> str | None:
    """Return why the run answers no worker, and what to do about it; None if nothing is known."""
    described = await description(client, run.id, run.run_id)
    if described is None:
        return None
    paused = why_paused(described)
    if paused is not None:
        return paused
    failing = await failing_task(client, described)
    return f"{failing}; {failing.remedy}" if failing else None


def nobody_answers(task_queue: str) -> str:
    """Return the message for a call that no worker answered."""
    return f"no worker answers on task queue {task_queue!r}; start one: {program('worker.py')}"
