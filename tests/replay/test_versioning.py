"""A change that running orders do not survive, deployed beside the code that they run on."""

from __future__ import annotations

import uuid
from contextlib import closing
from pathlib import Path

from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from messages.sagas import ResolveCompensation, SagaRolledBack, SagaStatus, SagaSucceeded
from services.faults import FaultPlan
from services.mock import Services, open_services
from settings import Settings
from tests.harness.builders import an_order
from tests.harness.executions import scheduled
from tests.replay.payment_first import PaymentFirst
from tests.replay.studio import REFUND_FAILS_ONCE, SHIPPING_REFUSED
from tests.workflows.conftest import Handle, Shop, until
from worker import worker_config
from workflows.orchestration.order_saga import OrderSaga


def a_worker(shop: Shop, services: Services, build_id: str, saga: type) -> Worker:
    """The product's worker, of some version."""
    settings = shop.settings.model_copy(update={"build_id": build_id})
    config = worker_config(shop.env.client, services, settings)
    config["workflows"] = [saga]
    return Worker(**config)


async def make_current(shop: Shop, build_id: str) -> None:
    """``temporal worker deployment set-current-version``, once the server knows the worker."""

    async def done() -> bool:
        try:
            await shop.env.client.workflow_service.set_worker_deployment_current_version(
                SetWorkerDeploymentCurrentVersionRequest(
                    namespace=shop.env.client.namespace,
                    deployment_name=shop.settings.deployment,
                    build_id=build_id,
                )
            )
        except RPCError:
            return False
        return True

    await until(done)


async def version_of(handle: Handle) -> str:
    """The version that a run runs, or ran, on."""
    info = (await handle.describe()).raw_description.workflow_execution_info
    return info.versioning_info.deployment_version.build_id


async def test_old_orders_end_on_old_code_and_new_orders_run_on_new_code(
    env: WorkflowEnvironment, tmp_path: Path
) -> None:
    name = f"order-saga-{uuid.uuid4()}"
    settings = Settings(data_dir=tmp_path, task_queue=name, deployment=name)
    old, new = an_order(), an_order()
    rules = [{**rule, "orders": [old.order_id]} for rule in (SHIPPING_REFUSED, REFUND_FAILS_ONCE)]
    plan = FaultPlan.model_validate({"fault": rules})
    with closing(open_services(settings.ledger_urls(), plan)) as services:
        shop = Shop(env, settings, services)
        async with a_worker(shop, services, "1", OrderSaga):
            await make_current(shop, "1")
            parked = await shop.start(old)
            await shop.until_status(parked, SagaStatus.NEEDS_INTERVENTION)

            async with a_worker(shop, services, "2", PaymentFirst):
                await make_current(shop, "2")
                begun_later = await shop.start(new)
                assert isinstance(await shop.outcome(begun_later), SagaSucceeded)
                assert await version_of(begun_later) == "2"
                assert await scheduled(begun_later) == ["process_payment", "reserve_inventory"]

                await parked.execute_update(
                    OrderSaga.resolve_compensation,
                    ResolveCompensation(
                        step="process_payment", action="retry", operator="ada", note="bank is up"
                    ),
                )
                assert isinstance(await shop.outcome(parked), SagaRolledBack)
                assert await version_of(parked) == "1"
                assert shop.standing(old) == []
