"""Deliveries of events as Temporal knows them, including other runs that took their ids."""

from __future__ import annotations

from temporalio.api.history.v1 import WorkflowExecutionStartedEventAttributes
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from messages.deliveries import CarrierRef, CarrierState, Delivery
from messages.sagas import SagaStatus
from messages.wire import EVENT_DELIVERY, SAGA_STATUS
from runs.descriptions import SERVER_TIMEOUT
from runs.inputs import decoded, start_of

_STATUS = SearchAttributeKey.for_keyword(SAGA_STATUS)


class TemporalCarriers:
    """Queries to Temporal about the deliveries of one task queue."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue

    async def look_at(self, carrier: CarrierRef) -> CarrierState:
        """Return the state of the delivery.

        Raises:
            RPCError: the server does not answer.
        """
        handle = self._client.get_workflow_handle(carrier.workflow_id)
        try:
            found = await handle.describe(rpc_timeout=SERVER_TIMEOUT)
            started = await start_of(
                self._client.get_workflow_handle(found.id, run_id=found.run_id)
            )
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return CarrierState.ABSENT
            raise
        if started is None or not await self._would_deliver(started, carrier):
            return CarrierState.OTHER
        if found.status is not WorkflowExecutionStatus.RUNNING:
            return CarrierState.CLOSED
        parked = found.typed_search_attributes.get(_STATUS) == SagaStatus.NEEDS_INTERVENTION
        return CarrierState.PARKED if parked else CarrierState.OPEN

    async def _would_deliver(
        self, started: WorkflowExecutionStartedEventAttributes, carrier: CarrierRef
    ) -> bool:
        """Tell whether the run was started as this delivery, and without a delay."""
        as_ours = (
            started.workflow_type.name == EVENT_DELIVERY
            and started.task_queue.name == self._task_queue
            and not started.first_workflow_task_backoff.ToTimedelta()
        )
        if not as_ours:
            return False
        given = await decoded(self._client, started.input, Delivery)
        return given is not None and given.fact == carrier.fact
