"""The input of a run, whoever has started it with whatever."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel
from temporalio.api.common.v1 import Payloads
from temporalio.api.history.v1 import WorkflowExecutionStartedEventAttributes
from temporalio.client import Client, WorkflowHandle

#: For one call that the server answers by itself.
SERVER_TIMEOUT = timedelta(seconds=10)

_M = TypeVar("_M", bound=BaseModel)


async def decoded(client: Client, given: Payloads, kind: type[_M]) -> _M | None:
    """The one message that was given; None when it is another one, or cannot be read."""
    try:
        found = await client.data_converter.decode(given.payloads, [kind])
    except Exception:  # whatever anybody has sent
        return None
    return found[0] if len(found) == 1 and isinstance(found[0], kind) else None


async def start_of(
    run: WorkflowHandle[Any, Any],
) -> WorkflowExecutionStartedEventAttributes | None:
    """How the run was started; None when its history has no beginning.

    Raises:
        RPCError: there is no such run, or the server does not answer.
    """
    async for event in run.fetch_history_events(page_size=1, rpc_timeout=SERVER_TIMEOUT):
        return event.workflow_execution_started_event_attributes
    return None
