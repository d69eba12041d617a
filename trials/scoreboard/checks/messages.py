"""Bugs in requests, keys and inputs."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from messages.failures import ServiceError
from services.payment import PaymentService
from tests.harness.builders import an_order, requests_for
from tests.harness.faults import lost_reply
from trials.scoreboard.checks.check import check
from trials.scoreboard.run import expect
from trials.scoreboard.trial import Trial


@check("shared keys across steps")
async def shared_keys(trial: Trial) -> None:
    run = await trial.place()
    await run.ended()
    keys = run.effects.keys()
    expect(len(set(keys)) == len(keys) == 4, "one key")


@check(
    "duplicate and reordered events",
    lost_reply("process_payment", times=1, orders="duplicate"),
)
async def duplicate_and_reordered(trial: Trial) -> None:
    # The reply is lost, so Temporal sends the request again.
    run = await trial.place("duplicate")
    await run.ended()
    expect(run.effects.charges() <= 1, "charged twice")
    # The network delivers a refund before the charge that it is for.
    order = an_order(trial.order_id("reordered"))
    payment, request = trial.services.get(PaymentService), requests_for(order).payment
    await asyncio.to_thread(payment.refund, request)
    with suppress(ServiceError):
        await asyncio.to_thread(payment.charge, request)
    expect(not trial.effects(order.order_id).standing(), "charge left")


@check("partial input accepted")
async def partial_input(trial: Trial) -> None:
    order_id = trial.order_id("partial")
    items = [{"id": "item_1", "quantity": 2}]
    run = await trial.place_as_it_is({"order_id": order_id, "user_id": "ada", "items": items})
    await run.ended()
    expect(not run.effects.keys(), "taken as order")
