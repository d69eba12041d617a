"""Bugs of sagas that rely on Temporal, a ledger or a reply to be there and unchanged."""

from __future__ import annotations

from tests.harness.faults import permanent, refusal
from trials.scoreboard.checks.check import check
from trials.scoreboard.run import expect
from trials.scoreboard.trial import Trial


@check(
    "settled by hand, then forgotten",
    refusal("prepare_shipping"),
    permanent("refund_payment", times=1),
)
async def settled_by_hand(trial: Trial) -> None:
    run = await trial.place()
    await run.ended()
    await run.paid_back_by_hand()
    await run.forgotten()
    await trial.reconcile()
    await trial.redeliver_refund(run)
    expect(run.effects.refunds() == 0, "refunded twice")


@check("second charge past retention")
async def placed_again(trial: Trial) -> None:
    run = await trial.place()
    await run.ended()
    await run.forgotten()
    again = await trial.place()
    await again.ended()
    expect(again.effects.charges() == 1, "charged twice")


@check("unreadable reply")
async def unreadable_reply(trial: Trial) -> None:
    run = await trial.place(newer="process_payment")
    await run.ended()
    await run.expect_all_or_nothing()


@check(
    "reset of a parked order",
    refusal("prepare_shipping"),
    permanent("refund_payment", times=1),
)
async def reset_while_parked(trial: Trial) -> None:
    run = await trial.place()
    await run.ended()
    await run.reset()
    run.expect_nothing_stands()


@check("lost ledger")
async def lost_ledger(trial: Trial) -> None:
    async with trial.elsewhere() as before:
        run = await before.place()
        await run.ended()
        await run.forgotten()
    trial.lose_ledger("payment")
    async with trial.elsewhere() as after:
        await after.reconcile()
        left = after.effects(after.order_id("order")).standing()
        expect(left == ["stock", "shipment", "points"], "order undone")
        again = await after.place()
        await again.ended()
        expect(again.effects.charges() == 0, "charged twice")
