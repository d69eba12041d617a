"""Inputs of runs, which anybody may have started with anything."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel
from temporalio.api.common.v1 import Payloads
from temporalio.api.history.v1 import WorkflowExecutionStartedEventAttributes
from temporalio.client import Client, WorkflowHandle

from messages.orders import Order
from runs.descriptions import SERVER_TIMEOUT, Handle

_M = TypeVar("_M", bound=BaseModel)


async def decoded(client: Client, given: Payloads, kind: type[_M]) -> _M | None:
    """Return the only message of the payloads; None when it is of another kind or unreadable.

    If it is encrypted and the key is missing, the codec's exception is raised. Then it may be a
    message of any kind, and the caller must not take it for none.
    """
    converter = client.data_converter
    codec = converter.payload_codec
    payloads = await codec.decode(given.payloads) if codec else given.payloads
    try:
        found = converter.payload_converter.from_payloads(payloads, [kind])
    except Exception:  # anybody may have sent anything
        return None
    return found[0] if len(found) == 1 and isinstance(found[0], kind) else None


async def start_of(
    run: WorkflowHandle[Any, Any],
) -> WorkflowExecutionStartedEventAttributes | None:
    """Return the first event of the run's history; None when the history is empty.

    Raises:
        RPCError: there is no such run, or the server does not answer.
    """
    async for event in run.fetch_history_events(page_size=1, rpc_timeout=SERVER_TIMEOUT):
        return event.workflow_execution_started_event_attributes
    return None


async def order_in(
    client: Client, started: WorkflowExecutionStartedEventAttributes | None
) -> Order | None:
    """Return the order in the input of a run; None when the input is not an order."""
    return None if started is None else await decoded(client, started.input, Order)


async def start_input(client: Client, run: Handle) -> Order | None:
    """Return the order that the run was started with; None when its input is not an order."""
    return await order_in(client, await start_of(run))
