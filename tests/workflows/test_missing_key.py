"""Workers and clients without the right key: they say so, wedge nothing, and no order is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, ScheduleActionStartWorkflow, WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from cli.failing_runs import FailingRun, failing_runs
from cli.modes import Mode
from cli.output import Output
from messages.orders import Order
from messages.runs import UnreadableRun
from messages.sagas import SagaSucceeded
from runs.examination import TemporalRuns
from runs.schedule import ensure_reconciliation, schedule_id
from runtime.encryption import KEY_ID, NO_KEYS, Keys
from runtime.pollers import WORKFLOW_TASKS, pollers
from runtime.shared_keys import OtherKeys, ensure_shared_key, key_ids
from tests.harness.builders import an_order
from tests.harness.faults import SHIPPING_IS_DOWN
from tests.harness.opening import a_shop
from tests.harness.placing import half_done
from tests.harness.reconciling import reconcile
from tests.harness.runs import first_run, ref_of
from tests.harness.server import with_keys
from tests.harness.shop import Handle, Shop
from tests.harness.steps import STEPS
from tests.harness.waiting import until
from worker import worker_config

OLD, NEW, OTHERS = (bytes([n]) * 32 for n in range(3))


def worker(shop: Shop, keys: Keys, **hosts: Any) -> AbstractAsyncContextManager[Worker]:
    """Run a worker of the shop with these keys."""
    config = worker_config(with_keys(shop.client, keys), shop.services, shop.settings)
    return shop.worker(config=config, **hosts)


@pytest.fixture
async def shop(env: WorkflowEnvironment, tmp_path: Path, mode: Mode) -> AsyncIterator[Shop]:
    """A shop whose orders are encrypted, without a worker."""
    async with a_shop(env, tmp_path, mode=mode, keys=Keys(OLD), worker=False) as shop:
        yield shop


async def until_failing(shop: Shop) -> list[FailingRun]:
    """Wait until the inbox has runs whose workflow task fails."""
    found: list[FailingRun] = []

    async def there() -> bool:
        output = Output(as_json=True)
        found[:] = await failing_runs(shop.client, shop.settings.task_queue, output)
        return bool(found)

    await until(there)
    return found


@pytest.mark.parametrize(
    ("mode", "keys"),
    [(Mode.ORCHESTRATION, Keys(OTHERS)), (Mode.CHOREOGRAPHY, NO_KEYS)],
    ids=["another key", "no key"],
)
async def test_an_order_waits_in_the_inbox_for_a_worker_with_its_key(
    shop: Shop, keys: Keys
) -> None:
    placed = await shop.place(order := an_order())
    async with worker(shop, keys):
        [failing] = await until_failing(shop)
        assert f"encrypted with key {key_ids(shop.client)[0]}" in failing.reason
        assert "key file" in failing.remedy
        assert (await placed.describe()).status is WorkflowExecutionStatus.RUNNING
    async with worker(shop, Keys(OLD)):
        await shop.succeeds(placed)
    assert shop.standing(order) == STEPS


async def test_a_worker_with_another_key_takes_no_step_and_spoils_none(shop: Shop) -> None:
    async with worker(shop, Keys(OLD), activities=()):
        placed = await shop.place(order := an_order())
        async with worker(shop, Keys(OTHERS), workflows=()):
            await until_refused(placed)
        assert shop.operations() == 0
        async with worker(shop, Keys(OLD), workflows=()):
            await shop.succeeds(placed)
    assert shop.standing(order) == STEPS


async def until_refused(run: Handle) -> None:
    """Wait until an attempt of a step has failed, and see that everybody can read the reason."""
    failed: list[str] = []

    async def there() -> bool:
        pending = (await run.describe()).raw_description.pending_activities
        failed[:] = [step.last_failure.cause.message for step in pending if step.attempt > 1]
        return bool(failed)

    await until(there)
    assert "encrypted with key" in failed[0]


@pytest.mark.parametrize(
    ("mode", "held"),
    list(zip(Mode, ("process_payment", "payment_on_inventory_reserved"), strict=True)),
)
async def test_one_history_may_have_plain_payloads_and_payloads_under_two_keys(
    env: WorkflowEnvironment, tmp_path: Path, mode: Mode, held: str
) -> None:
    async with a_shop(env, tmp_path, mode=mode, keys=Keys(NEW, OLD), worker=False) as shop:
        placed = await placed_in_plain_text(shop, order := an_order())
        gate = shop.hold(order, held)
        async with worker(shop, Keys(OLD)):
            await gate.until_reached()
        async with worker(shop, Keys(NEW, OLD)):
            await shop.succeeds(placed)
        assert shop.standing(order) == STEPS
        history = await placed.fetch_history()
    stored = b"".join(event.SerializeToString() for event in history.events)
    for sign in (*Keys(NEW, OLD).ids, order.shipping_address):
        assert sign.encode() in stored


async def placed_in_plain_text(shop: Shop, order: Order) -> Handle:
    """Place an order as a client without any key does."""
    keyed, shop.client = shop.client, with_keys(shop.client, NO_KEYS)
    placed = await shop.place(order)
    shop.client = keyed
    shop.placed = [
        keyed.get_workflow_handle(
            placed.id,
            run_id=first_run(placed),
            first_execution_run_id=first_run(placed),
            result_type=SagaSucceeded,
        )
    ]
    return shop.placed[0]


async def test_a_run_that_cannot_be_decrypted_is_named_and_not_taken_for_one_without_an_order(
    shop: Shop,
) -> None:
    placed = await shop.place(an_order())
    await shop.terminate(placed)
    for keys in (NO_KEYS, Keys(OTHERS)):
        blind = TemporalRuns(with_keys(shop.client, keys), shop.settings.task_queue)
        found = await blind.examine(ref_of(placed))
        assert isinstance(found, UnreadableRun)
        assert "encrypted with key" in found.why


async def test_what_an_order_under_a_lost_key_has_done_is_undone_when_its_run_is_deleted(
    env: WorkflowEnvironment, tmp_path: Path
) -> None:
    async with a_shop(env, tmp_path, SHIPPING_IS_DOWN, keys=Keys(OLD), worker=False) as shop:
        async with worker(shop, Keys(OLD)):
            placed = await half_done(shop, order := an_order())
        shop.client = with_keys(shop.client, Keys(NEW))
        async with worker(shop, Keys(NEW)):
            await shop.terminate(placed)
            assert {each.run for each in (await reconcile(shop)).unreadable} == {ref_of(placed)}
            assert shop.standing(order) == STEPS[:2]
            await shop.delete(placed)
            assert (await reconcile(shop)).all_done
            assert shop.standing(order) == []
        shop.placed = []


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (Keys(OLD), NO_KEYS),
        (Keys(OLD), Keys(OTHERS)),
        (NO_KEYS, Keys(OLD)),
        (Keys(OLD), Keys(NEW, OLD)),
        (Keys(NEW, OLD), Keys(OLD)),
    ],
    ids=["no key", "another key", "their only one", "too new to be read", "too old to read"],
)
async def test_a_client_that_shares_no_key_with_the_workers_is_told_so(
    shop: Shop, theirs: Keys, ours: Keys
) -> None:
    queue, client = shop.settings.task_queue, with_keys(shop.client, ours)
    await ensure_shared_key(client, queue)  # nobody is there to be read
    async with worker(shop, theirs):
        await until_polled(client, queue)
        with pytest.raises(OtherKeys, match="ORDER_SAGA_ENCRYPTION_KEYS"):
            await ensure_shared_key(client, queue)
        await ensure_shared_key(with_keys(client, theirs), queue)


@pytest.mark.parametrize(
    ("theirs", "ours"), [((OLD, NEW), (OLD,)), ((OLD, NEW), (NEW, OLD)), ((NEW, OLD), (OLD, NEW))]
)
async def test_in_each_step_of_a_rotation_there_is_a_shared_key(
    shop: Shop, theirs: tuple[bytes, ...], ours: tuple[bytes, ...]
) -> None:
    queue, client = shop.settings.task_queue, with_keys(shop.client, Keys(*ours))
    async with worker(shop, Keys(*theirs)):
        await until_polled(client, queue)
        await ensure_shared_key(client, queue)


async def until_polled(client: Client, queue: str) -> None:
    """Wait until the server has seen a worker on the task queue."""

    async def seen() -> bool:
        return bool(await pollers(client, queue, WORKFLOW_TASKS))

    await until(seen)


async def test_the_input_of_the_schedule_is_encrypted_anew_with_a_new_key(shop: Shop) -> None:
    queue, every = shop.settings.task_queue, timedelta(hours=1)
    for keys in (NO_KEYS, Keys(OLD), Keys(NEW, OLD)):
        client = with_keys(shop.client, keys)
        await ensure_reconciliation(client, queue, every)
        schedule = client.get_schedule_handle(schedule_id(queue))
        action = (await schedule.describe()).schedule.action
        assert isinstance(action, ScheduleActionStartWorkflow)
        [given] = action.args
        assert isinstance(given, Payload)
        assert given.metadata.get(KEY_ID, b"").decode() == (keys.ids or ("",))[0]
    await schedule.delete()
