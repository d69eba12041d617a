"""Deliveries of events as Temporal knows them, including other runs that took their ids."""

from __future__ import annotations

from uuid import uuid4

from temporalio.api.history.v1 import WorkflowExecutionStartedEventAttributes
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import (
    PinnedVersioningOverride,
    SearchAttributeKey,
    WorkerDeploymentVersion,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from messages.deliveries import CarrierRef, CarrierState, Delivery
from messages.events.base import Event
from messages.sagas import SagaStatus
from messages.wire import EVENT_DELIVERY, RECEIVE_EVENT, SAGA_STATUS
from runs.descriptions import SERVER_TIMEOUT
from runs.inputs import decoded, start_of

_STATUS = SearchAttributeKey.for_keyword(SAGA_STATUS)


# A terminated delivery may be started again, a completed one may not.
_ONCE = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
_AGAIN = WorkflowIDReusePolicy.ALLOW_DUPLICATE


class TemporalCarriers:
    """Deliveries on one task queue.

    Args:
        client: the client of the worker that hosts the deliveries. The server gives this worker
            the first task of a delivery together with the answer to its start. With another
            client, the worker has to wait for the task.
        pinned: version of the code on which deliveries stay; None without versions.
    """

    def __init__(
        self, client: Client, task_queue: str, pinned: WorkerDeploymentVersion | None = None
    ) -> None:
        self._client = client
        self._task_queue = task_queue
        self._version = PinnedVersioningOverride(pinned) if pinned else None

    async def start(self, delivery: Delivery, *, again: bool = False) -> None:
        """Start a delivery, unless it is open or completed; ``again``: also a completed one.

        Raises:
            RPCError: the server does not answer.
        """
        # The first two ids can be predicted, so another workflow may have taken them. The third
        # one is random.
        for variant in ("", delivery.fact, str(uuid4())):
            carrier = delivery.ref(variant)
            if await self._start(delivery, carrier.workflow_id, _AGAIN if again else _ONCE):
                return
            if await self.look_at(carrier) not in (CarrierState.OTHER, CarrierState.ABSENT):
                return

    async def tell(self, event: Event) -> None:
        """Signal the event to its order, if the order is still open.

        Raises:
            RPCError: the server does not answer.
        """
        order = self._client.get_workflow_handle(event.correlation_id)
        try:
            await order.signal(RECEIVE_EVENT, event, rpc_timeout=SERVER_TIMEOUT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

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

    async def _start(
        self, delivery: Delivery, workflow_id: str, policy: WorkflowIDReusePolicy
    ) -> bool:
        """Start a delivery; return False if the workflow id is taken."""
        try:
            await self._client.start_workflow(
                EVENT_DELIVERY,
                delivery,
                id=workflow_id,
                task_queue=self._task_queue,
                id_reuse_policy=policy,
                static_summary=f"{delivery.event.type} → {delivery.subscriber}",
                request_eager_start=True,
                versioning_override=self._version,
                rpc_timeout=SERVER_TIMEOUT,
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

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
