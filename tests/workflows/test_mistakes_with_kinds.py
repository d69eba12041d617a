"""Mistakes in a saga's own code that no rollback can mend: its run stays open until they are."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from messages.sagas import SagaSucceeded
from tests.harness.runs import Run, end
from tests.harness.sales import sales_in
from tests.harness.waiting import until
from tests.second_saga.sale import AUTHORIZE, CAPTURE, SHIP, Sale
from workflows.orchestration.saga import Saga


@workflow.defn(name="Sale")
class GivesUp(Sale):
    """Gives up after the goods were shipped."""

    @workflow.run
    async def run(self, order_id: str, deadline: float, at_once: bool) -> SagaSucceeded:
        return await super().run(order_id, deadline, at_once)

    async def _sell(self, saga: Saga) -> None:
        await saga.step(AUTHORIZE, self._request)
        await saga.step(SHIP, self._request)
        raise ApplicationError("the card has expired", type="Card")


@workflow.defn(name="Sale")
class Interrupted(Sale):
    """Waits for something of its own that is cancelled."""

    @workflow.run
    async def run(self, order_id: str, deadline: float, at_once: bool) -> SagaSucceeded:
        return await super().run(order_id, deadline, at_once)

    async def _sell(self, saga: Saga) -> None:
        await saga.step(AUTHORIZE, self._request)
        await saga.step(SHIP, self._request)
        timer = asyncio.create_task(asyncio.sleep(3600))
        timer.cancel()
        await timer


@workflow.defn(name="Sale")
class TooLate(Sale):
    """Authorizes the payment when the goods are gone."""

    @workflow.run
    async def run(self, order_id: str, deadline: float, at_once: bool) -> SagaSucceeded:
        return await super().run(order_id, deadline, at_once)

    async def _sell(self, saga: Saga) -> None:
        await saga.step(SHIP, self._request)
        await saga.step(AUTHORIZE, self._request)


@workflow.defn(name="Sale")
class LatePivot(Sale):
    """Captures the payment before it knows that the goods can be shipped."""

    @workflow.run
    async def run(self, order_id: str, deadline: float, at_once: bool) -> SagaSucceeded:
        return await super().run(order_id, deadline, at_once)

    async def _sell(self, saga: Saga) -> None:
        await saga.step(CAPTURE, self._request)
        await saga.step(SHIP, self._request)


@workflow.defn(name="Sale")
class Hasty(Sale):
    """Ships the goods while the payment is being authorized."""

    @workflow.run
    async def run(self, order_id: str, deadline: float, at_once: bool) -> SagaSucceeded:
        return await super().run(order_id, deadline, at_once)

    async def _sell(self, saga: Saga) -> None:
        await asyncio.gather(saga.step(AUTHORIZE, self._request), saga.step(SHIP, self._request))


@pytest.mark.parametrize(
    ("mistaken", "says", "standing"),
    [
        (GivesUp, "can only go forward", ["authorize", "ship"]),
        (Interrupted, "can only go forward", ["authorize", "ship"]),
        (TooLate, "authorize comes too late to be undone", ["ship"]),
        (LatePivot, "ship comes after capture", ["capture"]),
        (Hasty, "ship and authorize cannot run at the same time", []),
    ],
)
async def test_a_mistake_undoes_nothing(
    env: WorkflowEnvironment, tmp_path: Path, mistaken: type, says: str, standing: list[str]
) -> None:
    async with sales_in(env, tmp_path, mistaken) as sales:
        sale = await sales.begin()
        assert says in await _failure_of_its_task(sale)
        assert sales.services.standing(sale.id) == standing
        await end(sale)


async def test_a_mended_saga_goes_on_where_it_stood(
    env: WorkflowEnvironment, tmp_path: Path
) -> None:
    async with sales_in(env, tmp_path, GivesUp) as sales:
        sale = await sales.begin()
        await _failure_of_its_task(sale)
    async with sales_in(env, tmp_path, queue=sales.queue) as mended:
        assert isinstance(await mended.end(sale), SagaSucceeded)
        assert mended.services.calls == ["capture", "send_receipt"]
        assert len(mended.services.standing(sale.id)) == 4


async def _failure_of_its_task(sale: Run) -> str:
    said: list[str] = []

    async def failed() -> bool:
        async for event in sale.fetch_history_events():
            if event.HasField("workflow_task_failed_event_attributes"):
                said.append(event.workflow_task_failed_event_attributes.failure.message)
        return bool(said)

    await until(failed)
    return said[-1]
