"""Bugs of actions, before a saga turns back."""

from __future__ import annotations

import asyncio

from tests.harness.faults import permanent, transient
from trials.scoreboard.checks.check import check
from trials.scoreboard.run import expect
from trials.scoreboard.trial import Trial

STEPS = ("reserve_inventory", "process_payment", "prepare_shipping", "award_loyalty_points")


@check("action lands after its undo, by time-out")
async def late_by_time_out(trial: Trial) -> None:
    for seconds in (2, 10, 50):
        run = await trial.place(f"{seconds}_s", hold="process_payment", deadline_seconds=seconds)
        # On a busy machine a short deadline may pass before the payment begins.
        if await run.reached():
            break
    await run.ended()
    await run.let_go()
    await run.landed()
    await run.expect_all_or_nothing()


@check(
    "step outside the protected region",
    *(permanent(step, orders=step) for step in STEPS),
)
async def unprotected(trial: Trial) -> None:
    # The first order has no effect, so a short deadline is safe.
    first, *others = STEPS
    runs = await asyncio.gather(
        trial.place(first, deadline_seconds=3), *(trial.place(step) for step in others)
    )
    await asyncio.gather(*(run.ended() for run in runs))
    for run in runs:
        run.expect_nothing_stands()


@check("registered after the action", permanent("process_payment", when="after"))
async def registered_after(trial: Trial) -> None:
    run = await trial.place()
    await run.ended()
    expect("refund_payment" in await run.scheduled(), "never undone")


@check("execution time-out as deadline", transient("process_payment"))
async def execution_timeout(trial: Trial) -> None:
    run = await trial.place(deadline_seconds=60)
    await run.ended()
    run.expect_nothing_stands()
