"""Bugs that a cancel reveals."""

from __future__ import annotations

from tests.harness.faults import refusal, transient
from trials.scoreboard.checks.check import check
from trials.scoreboard.run import expect
from trials.scoreboard.trial import Trial


@check("action lands after its undo, by cancel")
async def late_by_cancel(trial: Trial) -> None:
    run = await trial.place(hold="process_payment")
    await run.reached()
    await run.cancel()
    await run.reacted()
    await run.let_go()
    await run.ended()
    await run.landed()
    await run.expect_all_or_nothing()


@check("first cancel during compensation", refusal("prepare_shipping"))
async def cancelled_while_undoing(trial: Trial) -> None:
    run = await trial.place(hold="refund_payment")
    await run.reached()
    await run.cancel()
    await run.reacted()
    await run.let_go()
    await run.ended()
    await run.landed()
    run.expect_nothing_stands()


@check("cancel in a timer missed by except Exception", transient("process_payment"))
async def cancelled_in_a_timer(trial: Trial) -> None:
    run = await trial.place(skip_time=False)
    await run.waits_to_try_again()
    await run.cancel()
    await run.ended()
    run.expect_nothing_stands()


@check("cancel swallowed by a completing activity")
async def swallowed(trial: Trial) -> None:
    run = await trial.place(hold="prepare_shipping")
    await run.reached()
    await run.cancel()
    await run.reacted()
    await run.let_go()
    await run.ended()
    expect(not await run.says_success(), "order placed")


@check("late external event")
async def late_event(trial: Trial) -> None:
    run = await trial.place(hold="award_loyalty_points")
    await run.reached()
    accepted = await run.cancel_as_customer()
    await run.let_go()
    await run.ended()
    expect(not (accepted and await run.says_success()), "taken, ignored")
