"""Orders as shops have them go through both kinds of saga: in a currency, adjusted, for nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cli.modes import Mode
from messages.orders import Order
from services.audit import audit
from tests.harness.builders import IN_YEN, an_order
from tests.harness.ledgers import balances
from tests.harness.opening import OpenShop, facts
from tests.harness.shop import Shop

both_modes = pytest.mark.parametrize("mode", Mode)


def charged(shop: Shop, order: Order) -> dict[str, int]:
    """Return what the customer has paid, by currency, in minor units."""
    found = balances("payment", shop.settings.ledger_urls()["payment"])
    return {of.currency: of.opening - of.now for of in found if of.account == order.user_id}


@both_modes
async def test_an_order_in_a_currency_is_charged_in_it_and_undone_in_it(
    open_shop: OpenShop,
) -> None:
    placed = an_order(None, **IN_YEN)
    refused = an_order(None, **IN_YEN | {"user_id": "user_closed"})
    async with open_shop() as shop:
        await shop.succeeds(await shop.place(placed))
        await shop.rolls_back(await shop.place(refused))
        assert charged(shop, placed) == {"JPY": 500}
        assert charged(shop, refused) == {"JPY": 0}
        report = audit(shop.settings.ledger_urls(), await facts(shop))
    assert (report.clean, report.succeeded, report.rolled_back) == (True, 1, 1)
    money = next(books for books in report.services if books.service == "payment")
    assert money.currencies["JPY"].standing == Decimal(500)


@both_modes
async def test_an_order_that_costs_nothing_succeeds(open_shop: OpenShop) -> None:
    order = an_order(total_amount=0, items=[{"id": "item_1", "quantity": 1}], user_id="user_broke")
    async with open_shop() as shop:
        outcome = await shop.succeeds(await shop.place(order))
        assert outcome.completed_steps == 4
        assert shop.effects(order) == 4
