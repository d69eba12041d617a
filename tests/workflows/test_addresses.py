"""An address in lines goes all the way, and nothing that people read is broken by it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cli.modes import Mode
from services.ledger import reading
from services.shipping import shipments
from tests.harness.builders import an_order
from tests.harness.opening import OpenShop
from tests.harness.steps import STEPS

ADDRESS = "12 Main St\r\nFlat\u00a03\nخیابان می\u200cدان \u200f👨\u200d👩\u200d👧"  # noqa: RUF001


@pytest.mark.parametrize("mode", Mode)
async def test_a_shipment_is_booked_to_an_address_in_lines_and_with_invisible_marks(
    open_shop: OpenShop, caplog: pytest.LogCaptureFixture
) -> None:
    order = an_order(shipping_address=ADDRESS)
    async with open_shop() as shop:
        handle = await shop.place(order)
        await shop.succeeds(handle)
        assert shop.standing(order) == STEPS
        assert "Flat" not in (await shop.status(handle)).model_dump_json()
        with reading("shipping", shop.settings.ledger_urls()["shipping"]) as tx:
            assert tx.execute(select(shipments.c.address)).scalar_one() == ADDRESS
    assert "Flat" not in caplog.text
