"""Runs that hold what nobody can read: told as such, and no hindrance to others."""

from __future__ import annotations

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

from cli.modes import Mode
from cli.simulation.fates import BROKEN_OFF, SUCCEEDED, Fate
from cli.simulation.population import Population
from cli.simulation.simulation import Simulation
from messages.ids import order_saga_id
from runs.descriptions import run_of
from runs.results import BrokenOff, outcome, rolled_back
from tests.harness.builders import an_id
from tests.harness.foreign_workflows import NoWayBack, StrangeResult
from tests.harness.opening import OpenShop
from tests.harness.server import in_real_time

GARBAGE = RawValue(Payload(metadata={"encoding": b"binary/unheard-of"}, data=b"\xff"))


async def test_a_result_that_cannot_be_read_is_told_as_that(open_shop: OpenShop) -> None:
    async with open_shop(worker=False) as shop:
        client, queue = shop.client, shop.settings.task_queue
        async with shop.worker(workflows=[StrangeResult]):
            run = await client.start_workflow("OrderSaga", id=an_id(), task_queue=queue)
            ended = await outcome(run_of(client, run.id, run.result_run_id))
        assert isinstance(ended, BrokenOff)
        assert (ended.saga_id, ended.status) == (run.id, "COMPLETED")
        assert "cannot be read" in ended.error


async def test_a_kept_result_that_cannot_be_read_is_not_taken_for_none(
    open_shop: OpenShop,
) -> None:
    async with open_shop(worker=False) as shop, shop.worker(workflows=[NoWayBack]):
        kept = {"result": GARBAGE}
        started = await shop.begin("OrderSaga", workflow_id=an_id(), memo=kept)
        run = run_of(shop.client, started.id, started.result_run_id)
        await run.cancel()
        ended = await outcome(run)

        assert isinstance(ended, BrokenOff)
        assert (ended.saga_id, ended.status) == (run.id, "CANCELLED")
        # Of a run without a result the reconciler undoes what stands.
        with pytest.raises(Exception, match="encoding"):
            await rolled_back(run)


async def test_a_simulation_goes_on_past_an_order_that_cannot_be_read(open_shop: OpenShop) -> None:
    population = Population(count=3, seed=1, prefix=an_id("sim"))
    first = order_saga_id(f"{population.prefix}-1")
    async with open_shop(worker=False) as shop:
        client, queue = shop.client, shop.settings.task_queue
        fates: list[Fate] = []
        async with in_real_time(shop.env):
            run = await client.start_workflow("OrderSaga", GARBAGE, id=first, task_queue="nobodys")
            async with shop.worker():
                simulation = Simulation(client, Mode.ORCHESTRATION, queue)
                await simulation.run(population.orders(), 2, fates.append)
        kinds = {fate.workflow_id: fate.kind for fate in fates}
        assert kinds.pop(first) == BROKEN_OFF
        assert list(kinds.values()) == [SUCCEEDED, SUCCEEDED]
        await run.terminate()
