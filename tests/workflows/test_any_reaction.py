"""Any answer of a reaction, in any shape: it parks the delivery, and its order can go on."""

from __future__ import annotations

import pytest

from cli.modes import Mode
from messages.sagas import SagaRolledBack, SagaSucceeded
from tests.harness.answers import FEW_ANSWERS, Odd, answering_worker
from tests.harness.deliveries import BACKWARD, FORWARD, decide, delivery, until_parked
from tests.harness.faults import LOYALTY_REFUSES
from tests.harness.opening import OpenShop
from tests.harness.progress import assert_no_task_failed
from tests.harness.shop import Shop


@pytest.fixture
def mode() -> Mode:
    return Mode.CHOREOGRAPHY


@pytest.mark.parametrize("service", FORWARD)
async def test_a_reaction_whose_answer_cannot_be_read_parks_its_delivery(
    open_shop: OpenShop, service: str
) -> None:
    odd = Odd(FEW_ANSWERS)
    event = FORWARD[service].split("/")[0]
    async with (
        open_shop(worker=False) as shop,
        shop.deciding_worker(),
        answering_worker(shop, odd.to(_reaction(service, event))),
    ):
        await _are_parked_and_replayed(shop, odd, FORWARD[service], SagaSucceeded)


@pytest.mark.parametrize("service", BACKWARD)
async def test_an_undoing_reaction_whose_answer_cannot_be_read_parks_its_delivery(
    open_shop: OpenShop, service: str
) -> None:
    odd = Odd(FEW_ANSWERS)
    async with (
        open_shop(LOYALTY_REFUSES, worker=False) as shop,
        shop.deciding_worker(),
        answering_worker(shop, odd.to(_reaction(service, "OrderCancelled"))),
    ):
        await _are_parked_and_replayed(shop, odd, BACKWARD[service], SagaRolledBack)


async def _are_parked_and_replayed(
    shop: Shop, odd: Odd, name: str, outcome: type[SagaSucceeded | SagaRolledBack]
) -> None:
    orders = odd.orders
    placed = {name: await shop.place(order) for name, order in orders.items()}
    letters = {odd_name: delivery(shop, order, name) for odd_name, order in placed.items()}
    for shape, letter in letters.items():
        parked = await until_parked(letter)
        assert "cannot be read" in (parked.error or ""), shape
    odd.mended = True
    for shape, letter in letters.items():
        await decide(letter, "replay")
        assert isinstance(await shop.outcome(placed[shape]), outcome), shape
        stands = 4 if outcome is SagaSucceeded else 0
        assert len(shop.standing(orders[shape])) == stands, shape
        await assert_no_task_failed(placed[shape], shape)
        await assert_no_task_failed(letter, shape)


def _reaction(service: str, event: str) -> str:
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in event)
    return f"{service}_on{words}"
