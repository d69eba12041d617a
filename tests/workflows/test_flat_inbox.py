"""The inbox lists what waits, however many orders there have been."""

from __future__ import annotations

from cli.operations.inbox import inbox
from cli.output import Output
from messages.wire import RECONCILE_ORDERS
from runs.visibility import equals
from tests.harness.asked import Noting
from tests.harness.builders import an_id, an_order
from tests.harness.faults import REFUND_FAILS_ONCE, SHIPPING_REFUSES, only_for
from tests.harness.opening import OpenShop
from tests.harness.placing import parked
from tests.harness.runs import resolve


async def test_its_lists_are_as_long_as_what_waits(open_shop: OpenShop) -> None:
    stuck = only_for("stuck*", SHIPPING_REFUSES, REFUND_FAILS_ONCE)
    async with open_shop(*stuck) as shop:
        for _ in range(3):
            await shop.succeeds(await shop.place(an_order()))
        waiting = await parked(shop, an_order(an_id("stuck")))
        noting = Noting()
        asking = noting.client(shop.client)
        assert await inbox(asking, shop.settings.task_queue, Output(as_json=True)) == 1
        # Of the reconciliations, it only reads the last one.
        last_one = equals("WorkflowType", RECONCILE_ORDERS)
        counts = [
            (await shop.client.count_workflows(query)).count
            for query in noting.queries
            if not query.startswith(last_one)
        ]
        assert len(counts) >= 4
        assert sum(counts) == 1
        await resolve(waiting, "mark_resolved")
        await shop.rolls_back(waiting)
