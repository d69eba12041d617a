"""A decision against an undoing is in the ledger before anybody hears of it, and stays there."""

from __future__ import annotations

from typing import Any

import pytest

from cli.modes import Mode
from messages.deliveries import DeliveryState
from messages.events.order import OrderCancelled
from messages.sagas import StepState
from tests.harness.builders import an_order
from tests.harness.deliveries import BACKWARD, FORWARD, decide, deliver, delivery, until_parked
from tests.harness.events import enveloped, told
from tests.harness.faults import REFUND_FAILS_ONCE, SHIPPING_IS_DOWN, permanent
from tests.harness.opening import OpenShop
from tests.harness.placing import with_dead_letter
from tests.harness.runs import first_run
from tests.harness.steps import ACTIONS, STEPS, UNDOS


@pytest.fixture
def mode() -> Mode:
    return Mode.CHOREOGRAPHY


each_service = pytest.mark.parametrize("service", ["inventory", "payment", "shipping"])


@each_service
async def test_an_undoing_after_the_decision_moves_nothing_whatever_temporal_remembers(
    open_shop: OpenShop, service: str
) -> None:
    order = an_order(user_id="user_closed")
    async with open_shop(permanent(UNDOS[service], times=1)) as shop:
        handle, letter = await with_dead_letter(shop, order, BACKWARD[service])
        await decide(letter, "discard", "letter 4711")
        await shop.outcome(handle)
        assert (await letter.result()).state is DeliveryState.DISCARDED
        decision = shop.decisions(order)[ACTIONS[service]]
        assert (decision.operator, decision.note) == ("ada", "letter 4711")
        # As a reconciler of a server that knows nothing would.
        event = told(OrderCancelled, order, first_run(handle))
        again = await deliver(shop, enveloped(event), service, "by-hand")
        assert (await again.result()).state is DeliveryState.DELIVERED
        assert shop.decisions(order)[ACTIONS[service]] == decision


async def test_it_keeps_out_an_action_that_arrives_after_it(open_shop: OpenShop) -> None:
    """Nothing was charged when the operator looked; then the charge that hung arrives."""
    order = an_order()
    async with open_shop(REFUND_FAILS_ONCE, worker=False) as shop, shop.worker():
        gate = shop.hold(order, "payment_on_inventory_reserved")
        handle = await shop.place(order)
        await gate.until_reached()
        await handle.execute_update("cancel_order", {})
        letter = delivery(shop, handle, BACKWARD["payment"])
        await until_parked(letter)
        await decide(letter, "discard", "nothing was charged")
        result = await shop.rolls_back(handle)
        assert result.resolved_manually == ("process_payment",)
        gate.open.set()
        assert (await delivery(shop, handle, FORWARD["payment"]).result()).emitted == ()
        assert shop.standing(order) == []
        assert shop.effects(order) == 1


async def test_what_cannot_be_recorded_is_parked_again_and_not_told(open_shop: OpenShop) -> None:
    order = an_order(user_id="user_closed")
    async with open_shop(REFUND_FAILS_ONCE, worker=False) as shop, shop.worker():
        gate = shop.hold(order, "settle_payment")
        handle, letter = await with_dead_letter(shop, order, BACKWARD["payment"])
        assert (await decide(letter, "discard")).state is DeliveryState.DELIVERING
        await gate.until_reached()
        await shop.until_step(handle, "process_payment", StepState.NEEDS_INTERVENTION)
        await letter.cancel()
        parked = await until_parked(letter)
        assert parked.error == "the decision could not be recorded: interrupted"
        await shop.until_step(handle, "process_payment", StepState.NEEDS_INTERVENTION)
        gate.open.set()
        await decide(letter, "discard")
        result = await shop.rolls_back(handle)
        assert result.resolved_manually == ("process_payment",)


async def test_of_an_event_that_cannot_be_read_it_is_recorded_as_well(open_shop: OpenShop) -> None:
    """Also when the order is over: it was terminated, and will hear of nothing."""
    order = an_order()
    async with open_shop(SHIPPING_IS_DOWN) as shop:
        handle = await shop.place(order)
        await shop.until_step(handle, "process_payment", StepState.SUCCESS)
        await handle.terminate()
        await delivery(shop, handle, FORWARD["shipping"]).terminate()
        for service in ("inventory", "payment"):

            def newer(fields: dict[str, Any]) -> None:
                fields.update(version=3)
                fields.pop("order")

            run_id = first_run(handle)
            event = enveloped(told(OrderCancelled, order, run_id), newer)
            letter = await deliver(shop, event, service)
            await until_parked(letter)
            await decide(letter, "discard", "by bank transfer")
            assert (await letter.result()).state is DeliveryState.DISCARDED
        assert set(shop.decisions(order)) == {"reserve_inventory", "process_payment"}
        assert shop.standing(order) == []


async def test_an_undoing_that_finds_it_settled_tells_the_order_by_whom(
    open_shop: OpenShop,
) -> None:
    """The operator's word never reached the order; the ledger's does."""
    order = an_order(user_id="user_closed")
    async with open_shop(REFUND_FAILS_ONCE, worker=False) as shop, shop.worker():
        handle, letter = await with_dead_letter(shop, order, BACKWARD["payment"])
        gate = shop.hold(order, "settle_payment")
        await decide(letter, "discard", "letter 4711")
        await gate.until_reached()
        await letter.terminate()
        gate.open.set()
        await gate.until_landed()
        event = told(OrderCancelled, order, first_run(handle))
        await deliver(shop, enveloped(event), "payment", "by-hand")
        result = await shop.rolls_back(handle)
        assert result.resolved_manually == ("process_payment",)
        assert "process_payment" not in result.compensated_steps
        step = (await shop.status(handle)).steps[1]
        assert step.resolution is not None
        assert (step.resolution.operator, step.resolution.note) == ("ada", "letter 4711")


async def test_a_forward_event_that_is_discarded_settles_nothing(open_shop: OpenShop) -> None:
    order = an_order()
    async with open_shop(permanent("process_payment", times=1)) as shop:
        handle, letter = await with_dead_letter(shop, order, FORWARD["payment"])
        await decide(letter, "discard", "item recalled")
        result = await shop.rolls_back(handle)
        assert result.resolved_manually == ()
        assert shop.decisions(order) == {}


async def test_it_is_recorded_also_when_temporal_has_forgotten_the_order(
    open_shop: OpenShop,
) -> None:
    """The other services have undone their steps, and that proves that it was called off."""
    order = an_order(user_id="user_closed")
    async with open_shop(REFUND_FAILS_ONCE) as shop:
        handle, letter = await with_dead_letter(shop, order, BACKWARD["payment"])
        for other in ("reserve_inventory", "prepare_shipping"):
            await shop.until_step(handle, other, StepState.COMPENSATED)
        await shop.terminate(handle)
        await shop.delete(handle)
        await decide(letter, "discard", "letter 4711")
        assert (await letter.result()).state is DeliveryState.DISCARDED
        assert list(shop.decisions(order)) == ["process_payment"]
        assert shop.standing(order) == []


@pytest.mark.parametrize("forgotten", [False, True])
async def test_to_discard_what_was_made_up_of_an_order_that_stands_settles_nothing(
    open_shop: OpenShop, forgotten: bool
) -> None:
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.place(order)
        await shop.succeeds(handle)
        cancelled = told(OrderCancelled, order, first_run(handle))
        letter = await deliver(shop, enveloped(cancelled, lambda e: e.update(version=3)), "payment")
        await until_parked(letter)
        if forgotten:
            await shop.delete(handle)
        await decide(letter, "discard", "nobody cancelled this")
        assert (await letter.result()).state is DeliveryState.DISCARDED
        assert shop.decisions(order) == {}
        assert shop.standing(order) == STEPS
