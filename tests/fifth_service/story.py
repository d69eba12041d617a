"""Tests of orders with an invoice as the fifth step, in every part that depends on the table.

They run in a copy of the tree, to which the invoice service was added.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from cli.modes import Mode
from messages.ledgers import Home
from messages.sagas import StepState
from services.audit import audit
from services.lookup import look_up_order
from settings import PARTS, read_settings
from tests.harness.builders import an_order
from tests.harness.faults import delay, permanent
from tests.harness.opening import OpenShop, facts
from tests.harness.progress import until_running
from tests.harness.reconciling import assert_nothing_left, reconcile
from tests.harness.runs import resolve
from tests.harness.steps import STEPS

BEFORE = ["reserve_inventory", "process_payment", "prepare_shipping", "award_loyalty_points"]

both_modes = pytest.mark.parametrize("mode", Mode)


@both_modes
async def test_the_invoice_is_issued_and_in_the_audit(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop() as shop:
        outcome = await shop.succeeds(await shop.place(order))
        assert outcome.completed_steps == 5
        assert shop.standing(order) == [*BEFORE, "issue_invoice"]
        report = audit(shop.settings.ledger_urls(), await facts(shop))
        assert report.clean
        billed = report.services[-1]
        assert (billed.service, billed.amount_standing) == ("invoice", Decimal("200.00"))


@both_modes
async def test_all_is_undone_when_the_invoice_is_refused(open_shop: OpenShop) -> None:
    order = an_order(user_id="user_nowhere")
    async with open_shop() as shop:
        outcome = await shop.rolls_back(await shop.place(order))
        assert outcome.failed_step == "issue_invoice"
        assert set(outcome.compensated_steps) == set(BEFORE)
        assert shop.standing(order) == []


async def test_the_invoice_is_voided_when_its_reply_is_lost(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(permanent("issue_invoice", when="after")) as shop:
        outcome = await shop.rolls_back(await shop.place(order))
        assert list(outcome.compensated_steps) == ["issue_invoice", *reversed(BEFORE)]
        assert shop.standing(order) == []
        assert shop.effects(order) == 5


async def test_an_operators_decision_is_in_its_ledger(open_shop: OpenShop) -> None:
    order = an_order()
    lost = permanent("issue_invoice", when="after")
    async with open_shop(lost, permanent("void_invoice")) as shop:
        handle = await shop.place(order)
        await shop.until_step(handle, "issue_invoice", StepState.NEEDS_INTERVENTION)
        await resolve(handle, "mark_resolved", "issue_invoice")
        outcome = await shop.rolls_back(handle)
        assert outcome.resolved_manually == ("issue_invoice",)
        assert shop.decisions(order)["issue_invoice"].operator == "ada"


async def test_the_reconciler_voids_what_a_terminated_run_left(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(delay("issue_invoice", seconds=1.5, when="after")) as shop:
        handle = await shop.place(order)
        await until_running(handle, "issue_invoice")
        await shop.terminate(handle)
        report = await reconcile(shop)
        assert report.all_done
        (run,) = report.listed
        assert {*run.undone, *run.kept_out} == set(STEPS) == {*BEFORE, "issue_invoice"}
        assert shop.standing(order) == []
        await assert_nothing_left(shop)
    assert shop.standing(order) == []


async def test_the_ledgers_know_the_order_and_its_request(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop() as shop:
        await shop.outcome_of(order)
        known = look_up_order(shop.settings.ledger_urls(), order.order_id, Home("", ""))
        (run,) = known.runs
        assert run.complete
        assert run.steps["issue_invoice"].request is not None


def test_it_has_settings_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert PARTS[-1] == "invoice"
    monkeypatch.setenv("ORDER_SAGA_HOSTS", "invoice")
    monkeypatch.setenv("ORDER_SAGA_INVOICE_TASK_QUEUE", "invoices")
    monkeypatch.setenv("ORDER_SAGA_INVOICE_URL", "sqlite:////tmp/invoices.db")
    settings = read_settings()
    assert settings.task_queues()["invoice"] == "invoices"
    assert settings.ledger_urls()["invoice"] == "sqlite:////tmp/invoices.db"
