"""A saga of the other kind is reconciled for its type, its id and its keys alone."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from activities.inventory import InventoryActivities
    from messages import requests
    from messages.ids import OperationId
    from messages.orders import Order
    from tests.builders import an_order
    from tests.workflows.conftest import OpenShop, Shop, until
    from tests.workflows.test_reconciliation import reconcile
    from worker import worker_config


@workflow.defn(name="OrderChoreography")
class OrderThatWaits:
    """Has its first effect and then waits for an event that never comes."""

    @workflow.run
    async def run(self, order: Order) -> None:
        info = workflow.info()
        key = OperationId(info.workflow_id, info.first_execution_run_id, "reserve_inventory")
        await workflow.execute_activity_method(
            InventoryActivities.reserve_inventory,
            requests.reserve_inventory(order, str(key)),
            start_to_close_timeout=timedelta(seconds=10),
        )
        await workflow.wait_condition(lambda: False)


def worker_for_both(shop: Shop) -> Worker:
    config = worker_config(shop.env.client, shop.services, shop.settings)
    config["workflows"] = [*config["workflows"], OrderThatWaits]
    return Worker(**config)


async def test_the_terminated_one_is_undone_and_the_open_one_is_not_touched(
    open_shop: OpenShop,
) -> None:
    ended, waiting = an_order(), an_order()
    async with open_shop(worker=False) as shop, worker_for_both(shop):
        handles = [
            await shop.env.client.start_workflow(
                OrderThatWaits.run,
                order,
                id=f"saga_{order.order_id}",
                task_queue=shop.settings.task_queue,
            )
            for order in (ended, waiting)
        ]

        async def both_stand() -> bool:
            return all(shop.standing(order) == ["reserve_inventory"] for order in (ended, waiting))

        await until(both_stand)
        await handles[0].terminate("test")
        report = await reconcile(shop)
        assert [run.saga_id for run in report.listed] == [f"saga_{ended.order_id}"]
        assert report.listed[0].undone == ("reserve_inventory",)
        assert len(report.listed[0].kept_out) == 3
        assert shop.standing(ended) == []
        assert shop.standing(waiting) == ["reserve_inventory"]
        await handles[1].terminate("test")
        assert (await reconcile(shop)).undone == 1
