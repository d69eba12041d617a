"""A run that an operator has paused with Temporal's own command is open, and goes on afterwards."""

from __future__ import annotations

from temporalio.api.workflowservice.v1 import (
    PauseWorkflowExecutionRequest,
    UnpauseWorkflowExecutionRequest,
)

from tests.harness.builders import an_order
from tests.harness.opening import OpenShop, examined


async def test_a_paused_order_is_open_and_goes_on_when_it_is_unpaused(open_shop: OpenShop) -> None:
    async with open_shop() as shop:
        order = an_order()
        gate = shop.hold(order, "process_payment")
        handle = await shop.place(order)
        await gate.until_reached()
        service, namespace = shop.client.workflow_service, shop.client.namespace
        await service.pause_workflow_execution(
            PauseWorkflowExecutionRequest(namespace=namespace, workflow_id=handle.id)
        )

        assert (await examined(shop, handle)).fact.status == "open"

        await service.unpause_workflow_execution(
            UnpauseWorkflowExecutionRequest(namespace=namespace, workflow_id=handle.id)
        )
        gate.open.set()
        await shop.succeeds(handle)
