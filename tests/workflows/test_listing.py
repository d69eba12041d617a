"""The list of orders: each once, with its status, and without the workflows that serve it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from cli.modes import Mode
from cli.operations.listing import Choice, list_orders
from cli.output import Output
from cli.web_ui import WebUI
from messages.statuses import ListedStatus
from tests.harness.builders import an_id, an_order
from tests.harness.faults import REFUND_FAILS_ONCE, SHIPPING_REFUSES, only_for
from tests.harness.opening import OpenShop
from tests.harness.placing import parked
from tests.harness.runs import pause, resolve
from tests.harness.shop import Shop
from tests.harness.waiting import until


class Listing:
    """Output of the command for one shop."""

    def __init__(self, shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
        self._shop = shop
        self._capsys = capsys

    async def document(self, status: ListedStatus | None = None, **choice: Any) -> dict[str, Any]:
        """Return the document of a page."""
        document: dict[str, Any] = json.loads(await self._shown(status, as_json=True, **choice))
        return document

    async def statuses(self, **choice: Any) -> dict[str, str]:
        """Return the status of each listed order."""
        listed = (await self.document(**choice))["orders"]
        return {order["order_id"]: order["status"] for order in listed}

    async def words(self, **choice: Any) -> str:
        return await self._shown(None, as_json=False, **choice)

    async def _shown(
        self,
        status: ListedStatus | None,
        *,
        as_json: bool,
        mode: Mode | None = None,
        page: int = 1,
        limit: int = 20,
    ) -> str:
        self._capsys.readouterr()
        queue = self._shop.settings.task_queue
        choice, output = Choice(status, mode, page, limit), Output(as_json=as_json)
        assert await list_orders(self._shop.client, queue, choice, output, watch=False) == 0
        return self._capsys.readouterr().out


async def test_orders_are_listed_by_status_and_mode_a_page_at_a_time(
    open_shop: OpenShop, capsys: pytest.CaptureFixture[str]
) -> None:
    stuck = only_for("stuck*", SHIPPING_REFUSES, REFUND_FAILS_ONCE)
    refused = only_for("refused*", SHIPPING_REFUSES)
    async with open_shop(*stuck, *refused) as shop:
        listing = Listing(shop, capsys)
        led, told, back = an_order(), an_order(), an_order(an_id("refused"))
        await shop.succeeds(await shop.place(led))
        await shop.succeeds(await shop.place(told, mode=Mode.CHOREOGRAPHY))
        await shop.rolls_back(await shop.place(back))
        stays = an_order(an_id("stuck"))
        waiting = await parked(shop, stays)
        expected: dict[str, ListedStatus] = {
            led.order_id: "SUCCESS",
            told.order_id: "SUCCESS",
            back.order_id: "FAILED",
            stays.order_id: "NEEDS_INTERVENTION",
        }

        async def all_there() -> bool:
            return await listing.statuses() == expected

        await until(all_there)
        for status, number in Counter(expected.values()).items():
            found = await listing.statuses(status=status)
            assert found == {o: s for o, s in expected.items() if s == status}
            assert (await listing.document(status))["total"] == number
        assert list(await listing.statuses(mode=Mode.CHOREOGRAPHY)) == [told.order_id]
        paged = [list(await listing.statuses(page=page, limit=3)) for page in (1, 2, 3)]
        assert [len(page) for page in paged] == [3, 1, 0]
        assert paged[0][0] == stays.order_id  # the open one comes first
        assert {*paged[0], *paged[1]} == set(expected)
        assert "list --page 2 --limit 3" in await listing.words(limit=3)
        await resolve(waiting, "mark_resolved")
        await shop.rolls_back(waiting)


async def test_an_order_that_somebody_has_paused_is_still_running(
    open_shop: OpenShop, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_shop(worker=False) as shop:
        order = an_order()
        handle = await shop.place(order)
        await pause(shop.client, handle)
        listing = Listing(shop, capsys)

        async def listed() -> bool:
            return await listing.statuses(status="RUNNING") == {order.order_id: "RUNNING"}

        await until(listed)
        await shop.terminate(handle)


def test_the_web_ui_is_where_the_settings_say_or_temporal_cloud() -> None:
    chosen = WebUI.of("https://ui.example.com/t/", "temporal.example.com:7233", "shop 1")
    assert chosen is not None
    assert chosen.link("order_saga_ä/b", "r1") == (
        "https://ui.example.com/t/namespaces/shop%201/workflows/order_saga_%C3%A4%2Fb/r1/history"
    )
    cloud = WebUI.of(None, "shop.a1b2c.tmprl.cloud:7233", "shop.a1b2c")
    assert cloud is not None
    assert cloud.url == "https://cloud.temporal.io"
    assert WebUI.of(None, "temporal.example.com:7233", "default") is None
    assert WebUI.of(None, "127.0.0.1:1", "default") is None  # nothing listens at the next port


def test_where_the_web_ui_is_known_each_run_has_a_link(capsys: pytest.CaptureFixture[str]) -> None:
    known = Output(as_json=False, web_ui=WebUI("http://127.0.0.1:8233", "default"))
    known.link("order_saga_1", "r1")
    Output(as_json=False).link("order_saga_2", "r2")

    assert capsys.readouterr().out == (
        "  http://127.0.0.1:8233/namespaces/default/workflows/order_saga_1/r1/history\n"
    )
