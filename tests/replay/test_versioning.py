"""A change that running orders do not survive, deployed beside the code that they run on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio.api.enums.v1 import RoutingConfigUpdateState
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from cli.modes import Mode
from messages.sagas import SagaStatus
from tests.harness.apart import connected_like
from tests.harness.builders import an_order
from tests.harness.deliveries import FORWARD, delivery
from tests.harness.faults import REFUND_FAILS_ONCE, SHIPPING_REFUSES, only_for
from tests.harness.incompatible_workflows import PaymentFirst
from tests.harness.opening import unaudited_shop
from tests.harness.runs import Run, resolve, scheduled
from tests.harness.shop import Shop
from tests.harness.waiting import until
from worker import worker_config
from workflows.orchestration.order_saga import OrderSaga


@asynccontextmanager
async def a_worker(shop: Shop, build_id: str, *sagas: type) -> AsyncIterator[Worker]:
    """Run the product's worker, of some version; it has a connection of its own."""
    settings = shop.settings.model_copy(update={"build_id": build_id})
    client = await connected_like(shop.client)
    config = worker_config(client, shop.services, settings)
    async with shop.worker(config=config, workflows=sagas or None) as worker:
        yield worker


async def make_current(shop: Shop, build_id: str) -> None:
    """``temporal worker deployment set-current-version``, once the server knows the worker.

    Return when the task queues know it, too.
    """
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

    async def propagated() -> bool:
        described = await service.describe_worker_deployment(
            DescribeWorkerDeploymentRequest(
                namespace=shop.client.namespace, deployment_name=shop.settings.deployment
            )
        )
        state = described.worker_deployment_info.routing_config_update_state
        return state != RoutingConfigUpdateState.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS

    await until(done)
    await until(propagated)


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
    old, new = an_order(), an_order()
    faults = only_for(old.order_id, SHIPPING_REFUSES, REFUND_FAILS_ONCE)
    async with (
        unaudited_shop(env, tmp_path, *faults, worker=False) as shop,
        a_worker(shop, "1", OrderSaga),
    ):
        await make_current(shop, "1")
        parked = await shop.place(old, skip_time=True)
        await shop.until_status(parked, SagaStatus.NEEDS_INTERVENTION)

        async with a_worker(shop, "2", PaymentFirst):
            await make_current(shop, "2")
            begun_later = await shop.place(new, skip_time=True)
            await shop.succeeds(begun_later)
            assert await version_of(begun_later) == "2"
            assert await scheduled(begun_later) == ["process_payment", "reserve_inventory"]

            await resolve(parked, "retry")
            await shop.rolls_back(parked)
            assert await version_of(parked) == "1"
            assert shop.standing(old) == []


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
