"""A service of somebody else's refuses in its own words: nothing of it has to be undone."""

from __future__ import annotations

import pytest

from cli.modes import Mode
from messages.failures import PaymentDeclined, Refused
from services.payment import PaymentService
from tests.harness.builders import an_order
from tests.harness.faults import lost_reply, refusal
from tests.harness.opening import OpenShop
from tests.harness.policies import ChangePolicies


class FraudSuspected(Refused):
    """A kind of refusal that no table of ours lists."""


class CardReportedStolen(PaymentDeclined):
    """A narrower kind than one that it lists."""


@pytest.mark.parametrize("refused", [FraudSuspected("ask us"), CardReportedStolen("ask us")])
@pytest.mark.parametrize("mode", Mode)
async def test_a_services_own_kind_of_refusal_is_one_also_when_its_reply_was_lost(
    open_shop: OpenShop,
    policies_with: ChangePolicies,
    monkeypatch: pytest.MonkeyPatch,
    refused: Refused,
) -> None:
    policies_with(pause=0.05)
    monkeypatch.setattr(PaymentService, "refusal", refused)
    order = an_order()
    faults = (refusal("process_payment"), lost_reply("process_payment", times=1))
    async with open_shop(*faults) as shop:
        result = await shop.rolls_back(await shop.place(order))
        assert result.failed_step == "process_payment"
        assert result.error == f"ask us ({type(refused).__name__})"
        assert result.compensated_steps == ("reserve_inventory",)
        assert shop.effects(order) == 1
