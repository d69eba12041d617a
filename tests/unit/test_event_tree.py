"""Events of an order as a tree: each below its cause, whenever the order has heard of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from itertools import permutations

import pytest

from cli.event_tree import say_events
from cli.output import Output
from messages.sagas import EventRecord

CHAIN = ("OrderCreated", "InventoryReserved", "PaymentSucceeded", "ShipmentPrepared")
BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)


def event(number: int, causation_id: str | None) -> EventRecord:
    time = BEGAN + timedelta(milliseconds=number)
    return EventRecord(id=str(number), type=CHAIN[number], causation_id=causation_id, time=time)


def shown(events: Sequence[EventRecord], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the types of the events as they are shown, without what is drawn around them."""
    say_events(events, Output(as_json=False))
    return [line.split("+")[0].split()[-1] for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("heard", list(permutations(range(len(CHAIN)))))
def test_an_effect_that_was_heard_of_before_its_cause_is_shown_below_it(
    heard: tuple[int, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    causes = (None, "0", "1", "2")
    assert shown([event(n, causes[n]) for n in heard], capsys) == list(CHAIN)


def test_an_event_of_unknown_cause_is_shown_at_the_top(
    capsys: pytest.CaptureFixture[str],
) -> None:
    events = [event(0, None), event(1, "0"), event(2, "forged"), event(3, "2")]
    assert shown(events, capsys) == list(CHAIN)


@pytest.mark.parametrize("causes", [("0", "1", "2", "3"), ("3", "0", "1", "2")])
def test_events_that_cause_each_other_are_all_shown(
    causes: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    events = [event(n, cause) for n, cause in enumerate(causes)]
    assert shown(events, capsys) == list(CHAIN)
