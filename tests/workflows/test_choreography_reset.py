"""A choreographed order that is reset goes back over everything; the ledgers decide."""

from __future__ import annotations

import pytest

from cli.modes import Mode
from messages.events.order import OrderCancelled
from messages.events.payment import PaymentRefunded
from messages.sagas import SagaStatus
from tests.harness.builders import an_order
from tests.harness.deliveries import (
    BACKWARD,
    FORWARD,
    decide,
    deliver,
    delivery,
    until_listed,
)
from tests.harness.events import enveloped, told
from tests.harness.faults import REFUND_FAILS_ONCE, delay
from tests.harness.opening import OpenShop
from tests.harness.placing import with_dead_letter
from tests.harness.policies import ChangePolicies
from tests.harness.progress import until_under_way
from tests.harness.runs import EVERYTHING, Excluded, first_run
from tests.harness.steps import ACTIONS, STEPS
from workflows.choreography.order_choreography import OrderChoreography


@pytest.fixture
def mode() -> Mode:
    return Mode.CHOREOGRAPHY


NOTHING: Excluded = ()
both_ways = pytest.mark.parametrize(
    "excluded", [NOTHING, EVERYTHING], ids=["signals reapplied", "nothing reapplied"]
)


@pytest.fixture(autouse=True)
def orders_follow_up_soon(policies_with: ChangePolicies) -> None:
    policies_with(follow_up=1, follow_up_every=2)


@both_ways
async def test_a_parked_order_is_parked_again(open_shop: OpenShop, excluded: Excluded) -> None:
    order = an_order(user_id="user_closed", deadline_seconds=5)
    async with open_shop(REFUND_FAILS_ONCE) as shop:
        handle, letter = await with_dead_letter(shop, order, BACKWARD["payment"])
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        again = await shop.reset(handle, exclude=excluded)
        await shop.until_status(again, SagaStatus.NEEDS_INTERVENTION)
        await until_listed(shop, letter)
        assert shop.standing(order) == ["process_payment"]
        await decide(letter, "replay")
        await shop.rolls_back(again)
        assert shop.standing(order) == []


@both_ways
async def test_a_parked_order_whose_letter_is_gone_is_really_undone(
    open_shop: OpenShop, excluded: Excluded
) -> None:
    order = an_order(user_id="user_closed", deadline_seconds=5)
    async with open_shop(REFUND_FAILS_ONCE) as shop:
        handle, letter = await with_dead_letter(shop, order, BACKWARD["payment"])
        await shop.until_status(handle, SagaStatus.NEEDS_INTERVENTION)
        await letter.terminate()
        again = await shop.reset(handle, exclude=excluded)
        await shop.rolls_back(again)
        assert shop.standing(order) == []


@both_ways
async def test_an_order_that_an_operator_settled_stays_settled(
    open_shop: OpenShop, excluded: Excluded
) -> None:
    order = an_order(user_id="user_closed", deadline_seconds=5)
    async with open_shop(REFUND_FAILS_ONCE) as shop:
        handle, letter = await with_dead_letter(shop, order, BACKWARD["payment"])
        await decide(letter, "discard", "letter 4711")
        await shop.outcome(handle)
        again = await shop.reset(handle, exclude=excluded)
        result = await shop.rolls_back(again)
        assert result.resolved_manually == ("process_payment",)
        assert "process_payment" not in result.compensated_steps
        assert shop.effects(order) == 3


@both_ways
async def test_an_order_that_succeeded_succeeds_again(
    open_shop: OpenShop, excluded: Excluded
) -> None:
    """Also when it hears nothing of what was done: each service is asked again, and says so."""
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.place(order)
        await shop.succeeds(handle)
        again = await shop.reset(handle, exclude=excluded)
        await shop.succeeds(again)
        assert shop.standing(order) == STEPS
        assert shop.effects(order) == 4


async def test_an_order_that_was_called_off_does_not_succeed_on_what_it_hears_again(
    open_shop: OpenShop,
) -> None:
    """Everything stood when it was cancelled, and that is all that the reset tells it."""
    order = an_order()
    slow = delay("award_loyalty_points", seconds=0.5)
    async with open_shop(slow, worker=False) as shop, shop.worker():
        held = [shop.hold(order, f"{s}_on_order_cancelled") for s in ACTIONS]
        handle = await shop.place(order)
        await until_under_way(delivery(shop, handle, FORWARD["loyalty"]))
        await handle.cancel()
        for gate in held:
            await gate.until_reached()
        await delivery(shop, handle, FORWARD["loyalty"]).result()
        assert shop.standing(order) == STEPS
        again = await shop.reset(handle, exclude=EVERYTHING[2:])
        await shop.until_status(again, SagaStatus.COMPENSATING)
        for gate in held:
            gate.open.set()
        result = await shop.rolls_back(again)
        assert result.error == "called off before it was reset"
        assert shop.standing(order) == []


async def test_an_order_that_was_undone_does_not_succeed_on_what_it_hears_again(
    open_shop: OpenShop,
) -> None:
    """Temporal has forgotten that it was called off; the ledgers have not."""
    order = an_order()
    async with open_shop() as shop:
        handle = await shop.place(order)
        await shop.succeeds(handle)
        event = enveloped(told(OrderCancelled, order, first_run(handle)))
        undoing = await deliver(shop, event, "payment", "by-hand")
        await undoing.result()
        result = await shop.rolls_back(await shop.reset(handle, exclude=NOTHING))
        assert result.error == "process_payment does not stand any more after a reset"
        assert shop.standing(order) == []


async def test_what_was_said_in_an_earlier_life_does_not_close_it(open_shop: OpenShop) -> None:
    """The order took somebody's word that it was refunded; the service says what is so."""
    order = an_order(user_id="user_closed")
    async with open_shop(REFUND_FAILS_ONCE) as shop:
        handle, letter = await with_dead_letter(shop, order, BACKWARD["payment"])
        forged = enveloped(told(PaymentRefunded, order, first_run(handle)))
        await handle.signal(OrderChoreography.receive_event, forged)
        await shop.rolls_back(handle)
        assert shop.standing(order) == ["process_payment"]
        again = await shop.reset(handle, exclude=NOTHING)
        await shop.until_status(again, SagaStatus.NEEDS_INTERVENTION)
        await decide(letter, "replay")
        result = await shop.rolls_back(again)
        assert set(result.compensated_steps) == set(STEPS[:-1])
        assert shop.standing(order) == []
