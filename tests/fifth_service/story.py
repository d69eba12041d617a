"""Tests of orders with an invoice as the fifth step, in every part that depends on the table.

They run in a copy of the tree, to which the invoice service was added.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from cli.modes import Mode
from messages.ledgers import Home
from messages.orders import Order
from messages.sagas import ResolveCompensation, SagaRolledBack, SagaSucceeded, StepState
from services.audit import audit
from services.lookup import look_up_order
from settings import PARTS, read_settings
from tests.harness.builders import an_order
from tests.workflows.conftest import AnyHandle, OpenShop, Shop
from tests.workflows.reconciling import NAMES, assert_nothing_left, reconcile, terminate

BEFORE = ["reserve_inventory", "process_payment", "prepare_shipping", "award_loyalty_points"]

both_modes = pytest.mark.parametrize("mode", Mode)


async def place(shop: Shop, mode: Mode, order: Order) -> AnyHandle:
    return await (shop.create(order) if mode is Mode.CHOREOGRAPHY else shop.start(order))


@both_modes
async def test_the_invoice_is_issued_and_in_the_audit(open_shop: OpenShop, mode: Mode) -> None:
    order = an_order()
    async with open_shop() as shop:
        outcome = await shop.outcome(await place(shop, mode, order))
        assert isinstance(outcome, SagaSucceeded)
        assert outcome.completed_steps == 5
        assert shop.standing(order) == [*BEFORE, "issue_invoice"]
        report = audit(shop.settings.ledger_urls(), await shop.facts())
        assert report.clean
        billed = report.services[-1]
        assert (billed.service, billed.amount_standing) == ("invoice", Decimal("200.00"))


@both_modes
async def test_all_is_undone_when_the_invoice_is_refused(open_shop: OpenShop, mode: Mode) -> None:
    order = an_order(user_id="user_nowhere")
    async with open_shop() as shop:
        outcome = await shop.outcome(await place(shop, mode, order))
        assert isinstance(outcome, SagaRolledBack)
        assert outcome.failed_step == "issue_invoice"
        assert set(outcome.compensated_steps) == set(BEFORE)
        assert shop.standing(order) == []


async def test_the_invoice_is_voided_when_its_reply_is_lost(open_shop: OpenShop) -> None:
    order = an_order()
    broken = {"operations": ["issue_invoice"], "kind": "permanent", "when": "after", "rate": 1.0}
    async with open_shop(broken) as shop:
        outcome = await shop.place(order)
        assert isinstance(outcome, SagaRolledBack)
        assert list(outcome.compensated_steps) == ["issue_invoice", *reversed(BEFORE)]
        assert shop.standing(order) == []
        assert shop.effects(order) == 5


async def test_an_operators_decision_is_in_its_ledger(open_shop: OpenShop) -> None:
    order = an_order()
    lost = {"operations": ["issue_invoice"], "kind": "permanent", "when": "after", "rate": 1.0}
    stuck = {"operations": ["void_invoice"], "kind": "permanent", "rate": 1.0}
    async with open_shop(lost, stuck) as shop:
        handle = await shop.start(order)
        await shop.until_step(handle, "issue_invoice", StepState.NEEDS_INTERVENTION)
        by_hand = ResolveCompensation(
            step="issue_invoice", action="mark_resolved", operator="ada", note="letter 4711"
        )
        await handle.execute_update("resolve_compensation", by_hand)
        outcome = await shop.outcome(handle)
        assert isinstance(outcome, SagaRolledBack)
        assert outcome.resolved_manually == ("issue_invoice",)
        assert shop.decisions(order)["issue_invoice"].operator == "ada"


async def test_the_reconciler_voids_what_a_terminated_run_left(open_shop: OpenShop) -> None:
    order = an_order()
    late = {"operations": ["issue_invoice"], "kind": "delay", "seconds": 1.5, "rate": 1.0}
    async with open_shop({**late, "when": "after"}) as shop:
        handle = await shop.start_in_real_time(order)
        await shop.until_attempt(handle, "issue_invoice", running=True)
        await terminate(shop, handle)
        report = await reconcile(shop)
        assert report.all_done
        (run,) = report.listed
        assert {*run.undone, *run.kept_out} == set(NAMES) == {*BEFORE, "issue_invoice"}
        assert shop.standing(order) == []
        await assert_nothing_left(shop)
    assert shop.standing(order) == []


async def test_the_ledgers_know_the_order_and_its_request(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop() as shop:
        await shop.place(order)
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
