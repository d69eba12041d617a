"""The reconciler's view of the ledgers, on both kinds of database."""

from __future__ import annotations

from uuid import uuid4

import pytest

from messages.requests import requests_of
from messages.runs import RunRef
from services.leftovers import Leftovers
from services.mock import Services
from tests.builders import OrderRequests, an_order, requests_for
from tests.unit.participants import SERVICES, operations

Ledgers = dict[str, str]


def act(services: Services, *names: str) -> OrderRequests:
    """Have these services act for a new order."""
    requests = requests_for(an_order(), str(uuid4()))
    for name in names:
        operations(services, name)[0](getattr(requests, name))
    return requests


def undo(services: Services, requests: OrderRequests, *names: str) -> None:
    for name in names:
        operations(services, name)[1](getattr(requests, name))


def run_of(requests: OrderRequests) -> RunRef:
    saga_id, run_id, _ = requests.payment.idempotency_key.split("/")
    return RunRef(saga_id, run_id)


def all_half_done(leftovers: Leftovers) -> list[RunRef]:
    found: list[RunRef] = []
    after = ""
    while True:
        page = leftovers.half_done(after)
        found += page.runs
        after = page.next
        if not after:
            return found


@pytest.mark.parametrize("size", [1, 2, 500])
def test_each_half_done_run_is_met_once(
    services: Services, ledgers: Ledgers, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.leftovers._PAGE", size)
    half = [act(services, *names) for names in (SERVICES[:1], SERVICES[:3], SERVICES[1:])]
    half += [act(services, name) for name in SERVICES]
    for _ in range(3):
        act(services, *SERVICES)
        undo(services, act(services, *SERVICES), *SERVICES)
    found = all_half_done(Leftovers(ledgers))
    assert sorted(found) == sorted(map(run_of, half))


def test_a_run_counts_while_all_stands_or_something_can_still_come(
    services: Services, ledgers: Ledgers
) -> None:
    complete, half, undone = (act(services, *SERVICES[:n]) for n in (4, 2, 4))
    undo(services, undone, *SERVICES)
    begun_and_undone = act(services, "inventory")
    undo(services, begun_and_undone, "inventory")
    unknown = RunRef("order_saga_x", str(uuid4()))
    asked = [*map(run_of, (complete, half, undone, begun_and_undone)), unknown]
    assert Leftovers(ledgers).not_half_done(asked) == (
        run_of(complete),
        run_of(begun_and_undone),
        unknown,
    )


def test_what_the_fence_keeps_is_what_the_order_asks(services: Services, ledgers: Ledgers) -> None:
    order = an_order(items=[{"id": "item_1", "quantity": 1}], total_amount=12.5)
    for name, request in zip(SERVICES, requests_for(order), strict=True):
        operations(services, name)[0](request)
    kept = Leftovers(ledgers).operations("run_1")
    assert {o.step: o.request for o in kept} == requests_of(
        order, f"order_saga_{order.order_id}", "run_1"
    )
    assert {o.state for o in kept} == {"applied"}
    assert {o.order_id for o in kept} == {order.order_id}
