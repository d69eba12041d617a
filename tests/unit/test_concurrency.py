"""Promises 17 to 19 when everything arrives at once: from threads, and from processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from threading import Barrier
from typing import TypeVar

from messages.base import Command
from messages.failures import OperationReversed, OutOfStock
from services.audit import audit
from services.inventory import InventoryService
from services.mock import Services, open_services
from tests.harness.builders import an_order, requests_for
from tests.harness.participants import Participant, operations, request_to
from tests.harness.steps import SERVICES

T = TypeVar("T")


def test_threads_that_act_at_once_under_one_key_get_one_answer_and_one_effect(
    participant: Participant,
) -> None:
    request = participant.request()

    answers = _at_once([lambda: participant.act(request)] * 8)

    assert len({answer.model_dump_json() for answer in answers}) == 1
    once = participant.standing()
    participant.undo(request)
    assert once > 0
    assert participant.standing() == 0


def test_threads_that_compensate_at_once_undo_once(participant: Participant) -> None:
    request = participant.request()
    participant.act(request)

    reversals = _at_once([lambda: participant.undo(request)] * 8)

    assert all(reversal.had_effect for reversal in reversals)
    assert participant.standing() == 0


def test_nothing_stands_when_action_and_compensation_race(participant: Participant) -> None:
    for _ in range(10):
        request = participant.request()

        def act(request: Command = request) -> bool:
            try:
                return bool(participant.act(request))
            except OperationReversed:
                return False

        def undo(request: Command = request) -> bool:
            return participant.undo(request).had_effect

        acted, undone = _at_once([act, undo])

        # Whoever came first, both tell the same story.
        assert acted == undone
        assert participant.standing() == 0


def test_orders_with_common_items_in_any_sequence_neither_deadlock_nor_lose_stock(
    services: Services, ledgers: dict[str, str]
) -> None:
    upwards = [{"id": f"item_{number}", "quantity": 1} for number in range(1, 6)]

    def shop(items: list[dict[str, object]]) -> None:
        for turn in range(10):
            request = requests_for(an_order(items=items)).inventory
            services.get(InventoryService).reserve(request)
            if turn % 2:
                services.get(InventoryService).release(request)

    _at_once([lambda: shop(upwards), lambda: shop(upwards[::-1])] * 3)

    pieces = audit(ledgers, {}).services[0]
    assert pieces.operations == 60
    assert pieces.amount_standing == 150


def test_the_last_pieces_are_sold_once(services: Services) -> None:
    def buy() -> bool:
        order = an_order(items=[{"id": "item_scarce", "quantity": 1}])
        try:
            services.get(InventoryService).reserve(requests_for(order).inventory)
        except OutOfStock:
            return False
        return True

    assert sum(_at_once([buy] * 8)) == 3


def test_processes_that_open_fresh_ledgers_and_act_at_once_under_one_key_act_once(
    ledgers: dict[str, str],
) -> None:
    requests = {service: request_to(service, order_id="order_1") for service in SERVICES}
    spawn = multiprocessing.get_context("spawn")
    with spawn.Manager() as manager, ProcessPoolExecutor(3, mp_context=spawn) as pool:
        start = manager.Barrier(3)
        calls = [pool.submit(_act_in_process, start, ledgers, requests) for _ in range(3)]
        answers = {call.result(timeout=120) for call in calls}

    assert len(answers) == 1
    with closing(open_services(ledgers)) as services:
        for service, request in requests.items():
            participant = Participant(service, services, ledgers[service])
            assert participant.standing() > 0
            participant.undo(request)
            assert participant.standing() == 0


def _act_in_process(
    start: Barrier, ledgers: dict[str, str], requests: dict[str, Command]
) -> tuple[str, ...]:
    start.wait(60)
    answers = []
    with closing(open_services(ledgers)) as services:
        for service, request in requests.items():
            act, _ = operations(services, service)
            start.wait(60)
            answers.append(act(request).model_dump_json())
    return tuple(answers)


def _at_once(calls: list[Callable[[], T]]) -> list[T]:
    """Run all calls in threads that set out together."""
    start = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        start.wait(60)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
