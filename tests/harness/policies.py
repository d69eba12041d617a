"""The product's policies, changed for a while: the only place that patches them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Protocol, TypeVar

import pytest
from typing_extensions import TypedDict, Unpack

from workflows import policies
from workflows.policies import DeliveryPolicy, Policy

P = TypeVar("P", Policy, DeliveryPolicy)


class Changes(TypedDict, total=False):
    """Changes of policies; times are in seconds.

    A step and the delivery of an event are changed alike, and so are a compensation and a
    delivery that undoes. Deliveries have no window.
    """

    #: One attempt of a step, all of them together, and the pause between two.
    attempt: float
    window: float
    pause: float
    #: The attempt of a step on the fast path, and the first attempt of a delivery or publication.
    fast: float
    #: By what the pauses of a step grow, up to its window.
    growth: float
    #: Attempts of a delivery.
    attempts: int
    #: One attempt of a compensation, and the pause between two.
    undo_attempt: float
    undo_pause: float
    #: The longest pause between two attempts of anything.
    longest_pause: float
    #: When an order looks after its deliveries, first and at last.
    follow_up: float
    follow_up_every: float
    #: How long a run must be quiet for the reconciler to believe that it is gone, how long it
    #: waits for an undoing, and how long it searches.
    quiet: float
    undone_within: float
    search: float
    #: Runs gone at which the reconciler stops and asks, runs that are enough for one time, and
    #: events after which it goes on anew.
    many_gone: int
    many_at_once: int
    reconciler_events: int


class ChangePolicies(Protocol):
    """Changes the policies for one test."""

    def __call__(self, **changes: Unpack[Changes]) -> None: ...


_CONSTANTS = {
    "follow_up": "FOLLOW_UP_AFTER",
    "follow_up_every": "FOLLOW_UP_AT_LEAST_EVERY",
    "quiet": "QUIET",
    "undone_within": "UNDONE_WITHIN",
    "many_gone": "MANY_GONE",
    "many_at_once": "MANY_AT_ONCE",
    "reconciler_events": "RECONCILER_EVENTS",
}


@contextmanager
def changed_policies(**changes: Unpack[Changes]) -> Iterator[None]:
    """Change the policies within."""
    with ExitStack() as changed:
        for name, value in _changed(changes):
            changed.enter_context(_changed_to(name, value))
        yield


@contextmanager
def _changed_to(name: str, value: object) -> Iterator[None]:
    before = getattr(policies, name)
    with pytest.MonkeyPatch.context() as patch:
        if isinstance(value, (Policy, DeliveryPolicy)):
            # Steps and subscriptions hold the very policy, so it is changed where it is.
            for field, new in vars(value).items():
                patch.setitem(vars(before), field, new)
        else:
            patch.setattr(policies, name, value)
        yield


def _changed(to: Changes) -> Iterator[tuple[str, object]]:
    yield "FORWARD", _of_steps(to)
    delivery = _paced(policies.DELIVERY, to.get("attempt"), to.get("pause"), to)
    if (fast := to.get("fast")) is not None:
        delivery = replace(delivery, fast=timedelta(seconds=fast))
        yield "PUBLICATION", replace(policies.PUBLICATION, fast=timedelta(seconds=fast))
    if (attempts := to.get("attempts")) is not None:
        delivery = replace(delivery, retry=replace(delivery.retry, maximum_attempts=attempts))
    yield "DELIVERY", delivery
    undo = (to.get("undo_attempt"), to.get("undo_pause"), to)
    yield "COMPENSATION", _paced(policies.COMPENSATION, *undo)
    yield "UNDO_DELIVERY", _paced(policies.UNDO_DELIVERY, *undo)
    if (search := to.get("search")) is not None:
        yield "SEARCH", replace(policies.SEARCH, window=timedelta(seconds=search))
    given = {_CONSTANTS[name]: value for name, value in to.items() if name in _CONSTANTS}
    for constant, value in given.items():
        is_time = isinstance(getattr(policies, constant), timedelta)
        yield constant, timedelta(seconds=float(str(value))) if is_time else value


def _of_steps(to: Changes) -> Policy:
    policy = _paced(policies.FORWARD, to.get("attempt"), to.get("pause"), to)
    if (window := to.get("window")) is not None:
        policy = replace(policy, window=timedelta(seconds=window))
    if (fast := to.get("fast")) is not None:
        policy = replace(policy, fast=timedelta(seconds=fast))
    if (growth := to.get("growth")) is not None:
        steep = replace(policy.retry, backoff_coefficient=growth, maximum_interval=policy.window)
        policy = replace(policy, retry=steep)
    return policy


def _paced(policy: P, attempt: float | None, pause: float | None, to: Changes) -> P:
    retry, longest = policy.retry, to.get("longest_pause", pause)
    if pause is not None:
        retry = replace(retry, initial_interval=timedelta(seconds=pause))
    if longest is not None:
        retry = replace(retry, maximum_interval=timedelta(seconds=longest))
    length = policy.attempt if attempt is None else timedelta(seconds=attempt)
    return replace(policy, attempt=length, retry=retry)
