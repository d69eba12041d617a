"""The inbox: whatever cannot go on by itself is in it, and nothing hides the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from cli.errors import OperationRefused
from cli.modes import Mode
from cli.operations.inbox import inbox
from cli.operations.resolve import resolve
from cli.output import Output
from messages.sagas import ResolveCompensation
from tests.harness.builders import an_order
from tests.harness.deliveries import delivery, until_listed, until_parked
from tests.harness.faults import REFUND_FAILS_ONCE, SHIPPING_REFUSES, permanent
from tests.harness.foreign_workflows import StrangeDelivery, StrangeLeftover, StrangeOrder
from tests.harness.incompatible_workflows import PaymentFirst
from tests.harness.opening import OpenShop
from tests.harness.shop import Shop
from tests.harness.waiting import until
from workflows.orchestration.order_saga import OrderSaga

Entries = list[dict[str, Any]]

RETRY = ResolveCompensation(
    step="process_payment", action="retry", operator="ada", note="bank is up"
)


class Inbox:
    """Output of the command for one shop."""

    def __init__(self, shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
        self._shop = shop
        self._capsys = capsys

    async def entries(self) -> Entries:
        """Return the document; the exit code says whether it is empty."""
        code, shown = await self._look(as_json=True)
        entries: Entries = json.loads(shown)
        assert code == bool(entries)
        return entries

    async def words(self) -> str:
        return (await self._look(as_json=False))[1]

    async def until_it_has(self, *kinds: str) -> Entries:
        """Wait until it has entries of these kinds, and no others."""
        found: Entries = []

        async def there() -> bool:
            found[:] = await self.entries()
            return sorted(entry["kind"] for entry in found) == sorted(kinds)

        await until(there)
        return found

    async def _look(self, *, as_json: bool) -> tuple[int, str]:
        self._capsys.readouterr()
        queue = self._shop.settings.task_queue
        code = await inbox(self._shop.env.client, queue, Output(as_json=as_json))
        return code, self._capsys.readouterr().out


@contextmanager
def in_another_shop(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, queue: str = "b"
) -> Iterator[None]:
    """Another task queue is another shop."""
    with monkeypatch.context() as changed:
        settings = shop.settings.model_copy(update={"task_queue": queue})
        changed.setattr(shop, "settings", settings)
        yield


async def test_a_run_whose_workflow_task_fails_is_in_it_and_another_shops_is_not(
    open_shop: OpenShop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_shop(SHIPPING_REFUSES, REFUND_FAILS_ONCE, worker=False) as shop:
        shown = Inbox(shop, capsys)
        async with shop.worker():
            order = await shop.place(an_order())
            await shown.until_it_has("order")
        async with shop.worker(workflows=(PaymentFirst,), max_cached_workflows=0):
            await order.signal("anything")
            (entry,) = await shown.until_it_has("failing")
            assert entry["workflow_id"] == order.id
            assert "Nondeterminism" in entry["reason"]
            words = await shown.words()
            assert f"temporal workflow describe --workflow-id {order.id}" in words
            assert "docs/changing-workflows.md" in words
            with in_another_shop(shop, monkeypatch):
                assert await shown.entries() == []
        async with shop.worker():
            # By itself, with its next attempt.
            await shown.until_it_has("order")
            await order.execute_update(OrderSaga.resolve_compensation, RETRY)
            await shop.rolls_back(order)


async def test_it_tells_letters_that_hold_up_an_order_from_those_that_do_not(
    open_shop: OpenShop, capsys: pytest.CaptureFixture[str]
) -> None:
    fails = permanent("reserve_inventory")
    async with open_shop(fails) as shop:
        shown = Inbox(shop, capsys)
        orders = [await shop.place(an_order(), Mode.CHOREOGRAPHY) for _ in range(2)]
        letters = [delivery(shop, order, "OrderCreated/inventory") for order in orders]
        for letter in letters:
            await until_parked(letter)
        await until_listed(shop, *letters)
        held_up, gone = orders
        await gone.terminate()

        blocking = {entry["run_id"]: entry["blocks_order"] for entry in await shown.entries()}
        assert blocking == {
            held_up.first_execution_run_id: True,
            gone.first_execution_run_id: False,
        }
        words = await shown.words()
        assert words.count("The order is open and waits for it.") == 1
        assert words.count("No open order waits for it.") == 1
        await held_up.terminate()
        for letter in letters:
            await letter.terminate()


async def test_what_cannot_be_read_is_told_by_its_id_and_hides_nothing(
    open_shop: OpenShop, capsys: pytest.CaptureFixture[str]
) -> None:
    tag = uuid4().hex
    letter = f"saga_{tag}/run/OrderCreated/inventory"
    nobodys = f"/{tag}/OrderCreated/inventory"
    leftover = f"leftover/saga_{tag}/run"
    async with open_shop(worker=False) as shop:
        await shop.begin("EventDelivery", workflow_id=f"junk-{tag}")
        await shop.begin("EventDelivery", workflow_id=letter)
        await shop.begin("EventDelivery", workflow_id=nobodys)
        await shop.begin("OrderSaga", workflow_id=f"order_saga_{tag}")
        await shop.begin("UndoLeftover", "process_payment", workflow_id=leftover)
        async with shop.worker(
            workflows=(StrangeOrder, StrangeDelivery, StrangeLeftover), max_cached_workflows=0
        ):
            found = await Inbox(shop, capsys).until_it_has(
                "event", "event", "leftover", "order", "unreadable"
            )
            by_kind = {e["kind"]: e for e in found if e.get("delivery_id") != nobodys}
            assert by_kind["unreadable"]["workflow_id"] == f"junk-{tag}"
            assert by_kind["event"]["order_id"] == by_kind["order"]["order_id"] == tag
            problems = [by_kind["event"]["error"], by_kind["order"]["problem"]]
            problems.append(by_kind["unreadable"]["problem"])
            assert all("cannot be read" in problem for problem in problems)
            words = await Inbox(shop, capsys).words()
            assert f"temporal workflow describe --workflow-id junk-{tag}" in words
        for run in (f"junk-{tag}", letter, nobodys, f"order_saga_{tag}", leftover):
            await shop.client.get_workflow_handle(run).terminate()


async def test_a_leftover_is_resolved_by_its_orders_id_whatever_the_mode(
    open_shop: OpenShop, capsys: pytest.CaptureFixture[str]
) -> None:
    tag = uuid4().hex
    told, led = f"leftover/saga_{tag}/run-1", f"leftover/order_saga_{tag}/run-2"
    async with open_shop(worker=False) as shop:
        client, queue = shop.client, shop.settings.task_queue

        async def resolved(named: str, action: str) -> int:
            decision = ResolveCompensation.model_validate(
                {"step": "process_payment", "action": action, "operator": "ada", "note": "n"}
            )
            return await resolve(client, queue, None, named, decision, Output(as_json=False))

        async with shop.worker(workflows=(StrangeLeftover,), max_cached_workflows=0):
            await shop.begin("UndoLeftover", "process_payment", workflow_id=told)
            (entry,) = await Inbox(shop, capsys).until_it_has("leftover")
            assert (entry["mode"], entry["order_id"]) == ("choreography", tag)
            assert (
                f"resolve {tag} --step process_payment --action keep"
                in await Inbox(shop, capsys).words()
            )
            assert await resolved(tag, "retry") == 1  # still the bank
            await shop.begin("UndoLeftover", "process_payment", workflow_id=led)
            await Inbox(shop, capsys).until_it_has("leftover", "leftover")
            with pytest.raises(OperationRefused, match="several runs wait") as several:
                await resolved(tag, "mark_resolved")
            assert told in str(several.value)
            assert led in str(several.value)
            assert await resolved(led, "mark_resolved") == 0
            (entry,) = await Inbox(shop, capsys).until_it_has("leftover")
            assert entry["workflow_id"] == told
            assert await resolved(tag, "keep") == 0
            assert await Inbox(shop, capsys).until_it_has() == []


async def test_a_task_queue_of_any_name_has_its_own_inbox(
    open_shop: OpenShop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_shop(worker=False) as shop:
        queue = f'bücher "{uuid4()}"'
        with in_another_shop(shop, monkeypatch, queue):
            await shop.begin("OrderSaga", workflow_id=f"order_saga_{queue}")
            async with shop.worker(workflows=(StrangeOrder,), max_cached_workflows=0):
                (entry,) = await Inbox(shop, capsys).until_it_has("order")
                assert entry["order_id"] == queue
        await shop.client.get_workflow_handle(f"order_saga_{queue}").terminate()
