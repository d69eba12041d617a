"""Runs that an operator has paused with Temporal's own commands: open, and in the inbox."""

from __future__ import annotations

import asyncio
import json
import shlex
import subprocess
from collections.abc import Mapping
from typing import Any, Protocol

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import (
    PauseActivityRequest,
    UnpauseWorkflowExecutionRequest,
)

from cli.errors import OperationRefused
from cli.modes import Mode
from cli.operations.cancel import cancel
from cli.operations.inbox import inbox
from cli.operations.status import status
from cli.output import Output
from messages.metrics import WAITING
from messages.sagas import CancelOrder
from tests.harness.builders import an_order
from tests.harness.metrics import gauges_of
from tests.harness.opening import OpenShop, examined
from tests.harness.runs import pause
from tests.harness.shop import Shop
from tests.harness.system import TEMPORAL
from tests.harness.waiting import until

WHO_AND_WHY: Mapping[str, Any] = {"identity": "ada", "reason": "stock-taking"}


class Told(Protocol):
    """Function that returns the entries of the shop's inbox, and what the inbox says."""

    async def __call__(self, shop: Shop) -> tuple[list[dict[str, Any]], str]: ...


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    async def of(shop: Shop) -> tuple[list[dict[str, Any]], str]:
        capsys.readouterr()
        await inbox(shop.client, shop.settings.task_queue, Output(as_json=True))
        shown = capsys.readouterr()
        return json.loads(shown.out), shown.err

    return of


async def type_in(shop: Shop, command: str) -> None:
    """Type a command of Temporal's, as the inbox shows it."""
    words = [*shlex.split(command), "--address", shop.client.service_client.config.target_host]
    assert words[0] == "temporal"
    await asyncio.to_thread(subprocess.check_call, [TEMPORAL, *words[1:]])


async def test_a_paused_order_is_open_and_goes_on_when_it_is_unpaused(open_shop: OpenShop) -> None:
    async with open_shop() as shop:
        order = an_order()
        gate = shop.hold(order, "process_payment")
        handle = await shop.place(order)
        await gate.until_reached()
        await pause(shop.client, handle, **WHO_AND_WHY)

        assert (await examined(shop, handle)).fact.status == "open"

        await shop.client.workflow_service.unpause_workflow_execution(
            UnpauseWorkflowExecutionRequest(namespace=shop.client.namespace, workflow_id=handle.id)
        )
        gate.open.set()
        await shop.succeeds(handle)


@pytest.mark.parametrize("mode", Mode)
async def test_a_paused_order_is_in_the_inbox_and_says_how_it_goes_on(
    open_shop: OpenShop, told: Told, mode: Mode
) -> None:
    async with open_shop() as shop:
        order = an_order()
        first = {Mode.ORCHESTRATION: "process_payment"}.get(mode, "payment_on_inventory_reserved")
        gate = shop.hold(order, first)
        handle = await shop.place(order)
        await gate.until_reached()
        await pause(shop.client, handle, **WHO_AND_WHY)

        async def listed() -> bool:
            return bool((await told(shop))[0])

        await until(listed)
        [entry], said = await told(shop)
        assert (entry["kind"], entry["workflow_id"]) == ("paused", handle.id)
        [part] = entry["paused"]
        assert (part["activity"], part["by"], part["reason"]) == (None, "ada", "stock-taking")
        assert part["command"] in said

        why = rf"it is paused since .* UTC by ada: stock-taking; unpause it: {part['command']}"
        with pytest.raises(OperationRefused, match=why):
            await status(shop.client, None, order.order_id, {}, Output(as_json=False))
        request = CancelOrder(reason="too late")
        with pytest.raises(OperationRefused, match=why):
            await cancel(shop.client, None, order.order_id, request, Output(as_json=False))

        gate.open.set()
        await type_in(shop, part["command"])
        await handle.result()

        async def empty() -> bool:
            return not (await told(shop))[0]

        await until(empty)


async def test_a_paused_activity_is_in_the_inbox_and_in_the_status_of_its_order(
    open_shop: OpenShop, told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_shop() as shop:
        order = an_order()
        gate = shop.hold(order, "process_payment")
        handle = await shop.place(order)
        await gate.until_reached()
        await shop.client.workflow_service.pause_activity(
            PauseActivityRequest(
                namespace=shop.client.namespace,
                execution=WorkflowExecution(workflow_id=handle.id),
                type="process_payment",
                **WHO_AND_WHY,
            )
        )

        async def listed() -> bool:
            return bool((await told(shop))[0])

        await until(listed)
        [entry], said = await told(shop)
        [part] = entry["paused"]
        assert "Its activity process_payment is paused since" in said
        assert part["command"] in said
        queue = shop.settings.task_queue
        assert (await gauges_of(shop.client, queue, WAITING))["paused_run"] == 1.0

        await status(shop.client, None, order.order_id, {}, Output(as_json=False))
        shown = capsys.readouterr().out
        assert "by ada: stock-taking" in shown
        assert part["command"] in shown

        await type_in(shop, part["command"])
        gate.open.set()
        await shop.succeeds(handle)
