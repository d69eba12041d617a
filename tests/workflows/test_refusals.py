"""A service of somebody else's refuses in its own words: nothing of it has to be undone."""

from __future__ import annotations

import pytest

from messages.failures import PaymentDeclined, Refused
from messages.sagas import SagaRolledBack
from services.payment import PaymentService
from tests.harness.builders import an_order
from tests.workflows.conftest import OpenShop, Policies


class FraudSuspected(Refused):
    """A kind of refusal that no table of ours lists."""


class CardReportedStolen(PaymentDeclined):
    """A narrower kind than one that it lists."""


@pytest.mark.parametrize("refusal", [FraudSuspected("ask us"), CardReportedStolen("ask us")])
@pytest.mark.parametrize("mode", ["orchestration", "choreography"])
async def test_a_services_own_kind_of_refusal_is_one_also_when_its_reply_was_lost(
    open_shop: OpenShop,
    policies_with: Policies,
    monkeypatch: pytest.MonkeyPatch,
    refusal: Refused,
    mode: str,
) -> None:
    policies_with(pause=0.05)
    monkeypatch.setattr(PaymentService, "refusal", refusal)
    order = an_order()
    refused = {"operations": ["process_payment"], "kind": "refusal", "rate": 1.0}
    lost = {"operations": ["process_payment"], "kind": "lost_reply", "count": 1}
    async with open_shop(refused, lost) as shop:
        place = shop.start if mode == "orchestration" else shop.create
        result = await shop.outcome(await place(order))

        assert isinstance(result, SagaRolledBack)
        assert result.failed_step == "process_payment"
        assert result.error == f"ask us ({type(refusal).__name__})"
        assert result.compensated_steps == ("reserve_inventory",)
        assert shop.effects(order) == 1
