"""A change that running orders do not survive, deployed beside the code that they run on."""

from __future__ import annotations

import asyncio
import re
import shlex
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio.api.deployment.v1 import WorkerDeploymentInfo
from temporalio.api.enums.v1 import RoutingConfigUpdateState
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from cli.modes import Mode
from messages.orders import Order
from messages.sagas import SagaStatus
from tests.harness.apart import connected_like
from tests.harness.builders import an_order
from tests.harness.children import ROOT
from tests.harness.deliveries import FORWARD, delivery
from tests.harness.faults import REFUND_FAILS_ONCE, SHIPPING_REFUSES, only_for
from tests.harness.incompatible_workflows import PaymentFirst
from tests.harness.opening import unaudited_shop
from tests.harness.runs import Run, resolve, scheduled
from tests.harness.shop import Shop
from tests.harness.steps import STEPS
from tests.harness.system import TEMPORAL
from tests.harness.waiting import PATIENCE, until
from worker import worker_config
from workflows.orchestration.order_saga import OrderSaga

PAGE = (ROOT / "docs" / "changing-workflows.md").read_text()
_OF = "--deployment-name order-saga --build-id {}"
SET_CURRENT = f"temporal worker deployment set-current-version {_OF}"
RAMP = f"temporal worker deployment set-ramping-version {_OF} {{}}"
MOVE = (
    "temporal workflow update-options --workflow-id order_saga_order_12345"
    " --versioning-override-behavior auto_upgrade"
)


@asynccontextmanager
async def a_worker(shop: Shop, build_id: str, *sagas: type) -> AsyncIterator[Worker]:
    """Run the product's worker, of some version; it has a connection of its own."""
    settings = shop.settings.model_copy(update={"build_id": build_id})
    client = await connected_like(shop.client)
    config = worker_config(client, shop.services, settings)
    async with shop.worker(config=config, workflows=sagas or None) as worker:
        yield worker


async def make_current(shop: Shop, build_id: str) -> None:
    """Make a version current, once the server knows its worker; return as :func:`typed` does."""
    service = shop.client.workflow_service

    async def done() -> bool:
        try:
            await service.set_worker_deployment_current_version(
                SetWorkerDeploymentCurrentVersionRequest(
                    namespace=shop.client.namespace,
                    deployment_name=shop.settings.deployment,
                    build_id=build_id,
                )
            )
        except RPCError:
            return False
        return True

    await until(done)
    await until_propagated(shop)


async def deployment(shop: Shop) -> WorkerDeploymentInfo:
    """Return what the server knows of the shop's deployment: nothing, before its first worker."""
    request = DescribeWorkerDeploymentRequest(
        namespace=shop.client.namespace, deployment_name=shop.settings.deployment
    )
    try:
        described = await shop.client.workflow_service.describe_worker_deployment(request)
    except RPCError:
        return WorkerDeploymentInfo()
    return described.worker_deployment_info


async def until_propagated(shop: Shop) -> None:
    """Wait until the task queues know what was said of the deployment."""

    async def propagated() -> bool:
        state = (await deployment(shop)).routing_config_update_state
        return state != RoutingConfigUpdateState.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS

    await until(propagated)


async def until_known(shop: Shop, build_id: str) -> None:
    """Wait until the server knows a version, whose worker has just been started."""

    async def known() -> bool:
        versions = (await deployment(shop)).version_summaries
        return build_id in {each.deployment_version.build_id for each in versions}

    await until(known)


async def typed(shop: Shop, command: str, order: Order | None = None) -> None:
    """Type a command of the page for the shop's deployment or an order, and answer yes.

    Return when the task queues know what it has changed.
    """
    assert command in PAGE.splitlines(), f"the page has no such line: {command}"
    ours = command.replace("order_12345", order.order_id) if order else command
    ours = re.sub(r"\border-saga\b", shop.settings.deployment, ours)
    address = {"TEMPORAL_ADDRESS": shop.client.service_client.config.target_host}
    done = await asyncio.to_thread(
        lambda: subprocess.run(
            [TEMPORAL, *shlex.split(ours)[1:]],
            env=address,
            input="y\n",
            text=True,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    )
    assert done.returncode == 0, f"{ours}\n{done.stdout}{done.stderr}"
    await until_propagated(shop)


async def a_share_of_the_orders(shop: Shop) -> dict[str, Run]:
    """Place orders until both versions have run one; return one of each, by its version."""
    begun: dict[str, Run] = {}
    for _ in range(60):
        handle = await shop.place(an_order(), skip_time=True)
        await shop.succeeds(handle)
        begun[await version_of(handle)] = handle
        if len(begun) == 2:
            break
    return begun


async def version_of(handle: Run) -> str:
    """Return the version that a run runs, or ran, on."""
    info = (await handle.describe()).raw_description.workflow_execution_info
    return info.versioning_info.deployment_version.build_id


async def pinned_to(run: Run) -> str:
    """Return the version that a run stays on, whichever worker receives its first task."""
    info = (await run.describe()).raw_description.workflow_execution_info
    return info.versioning_info.versioning_override.pinned.version.build_id


async def test_old_orders_end_on_old_code_and_new_orders_run_on_new_code(
    env: WorkflowEnvironment, tmp_path: Path
) -> None:
    """The documented upgrade: a ramp, then all new orders, and one parked order that is moved."""
    old, moved, new = an_order(), an_order(), an_order()
    faults = [
        fault
        for order in (old, moved)
        for fault in only_for(order.order_id, SHIPPING_REFUSES, REFUND_FAILS_ONCE)
    ]
    async with (
        unaudited_shop(env, tmp_path, *faults, worker=False) as shop,
        a_worker(shop, "1", OrderSaga),
    ):
        await until_known(shop, "1")
        await typed(shop, SET_CURRENT.format(1))
        parked, to_move = [await shop.place(order, skip_time=True) for order in (old, moved)]
        for run in (parked, to_move):
            await shop.until_status(run, SagaStatus.NEEDS_INTERVENTION)

        async with a_worker(shop, "2", PaymentFirst):
            await until_known(shop, "2")
            await typed(shop, RAMP.format(2, "--percentage 10"))
            await typed(shop, RAMP.format(2, "--percentage 50"))
            both = await a_share_of_the_orders(shop)
            assert await scheduled(both["1"]) == list(STEPS)
            assert await scheduled(both["2"]) == ["process_payment", "reserve_inventory"]

            await typed(shop, RAMP.format(2, "--delete"))
            await typed(shop, SET_CURRENT.format(2))
            begun_later = await shop.place(new, skip_time=True)
            await shop.succeeds(begun_later)
            assert await version_of(begun_later) == "2"
            assert await scheduled(begun_later) == ["process_payment", "reserve_inventory"]

            await resolve(parked, "retry")
            await shop.rolls_back(parked)
            assert await version_of(parked) == "1"
            assert shop.standing(old) == []

        # A version that replays what was begun on version 1.
        async with a_worker(shop, "3", OrderSaga):
            await make_current(shop, "3")
            assert await version_of(to_move) == "1"
            await typed(shop, MOVE, moved)
            await resolve(to_move, "retry")
            await shop.rolls_back(to_move)
            assert await version_of(to_move) == "3"
            assert shop.standing(moved) == []


async def test_a_worker_with_the_fast_path_is_a_version_of_its_own(
    env: WorkflowEnvironment, tmp_path: Path
) -> None:
    async with (
        unaudited_shop(env, tmp_path, worker=False, fast_path=True) as shop,
        a_worker(shop, "1", OrderSaga),
    ):
        await make_current(shop, "1+fast-path")
        handle = await shop.place(an_order())
        await shop.succeeds(handle)
        assert await version_of(handle) == "1+fast-path"
        assert await scheduled(handle) == []


async def test_deliveries_stay_on_the_version_of_their_order(
    env: WorkflowEnvironment, tmp_path: Path
) -> None:
    """Also those that are started when another version is current."""
    order = an_order()
    async with (
        unaudited_shop(env, tmp_path, worker=False, mode=Mode.CHOREOGRAPHY) as shop,
        a_worker(shop, "1"),
    ):
        await make_current(shop, "1")
        gate = shop.hold(order, "payment_on_inventory_reserved")
        handle = await shop.place(order)
        await gate.until_reached()
        async with a_worker(shop, "2"):
            await make_current(shop, "2")
            gate.open.set()
            await shop.succeeds(handle)
            for name in FORWARD.values():
                assert await version_of(delivery(shop, handle, name)) == "1"
                assert await pinned_to(delivery(shop, handle, name)) == "1"
