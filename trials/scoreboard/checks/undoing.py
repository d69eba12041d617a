"""Bugs of compensations."""

from __future__ import annotations

from temporalio.client import WorkflowExecutionStatus

from tests.harness.faults import lost_reply, permanent, refusal, transient
from trials.scoreboard.checks.check import check
from trials.scoreboard.run import expect
from trials.scoreboard.trial import Trial


@check(
    "failed undo stops the others",
    refusal("prepare_shipping"),
    permanent("refund_payment", orders="refund"),
    permanent("release_inventory", orders="release"),
)
async def stops_the_others(trial: Trial) -> None:
    # Two orders, because the compensation that fails must not be the last one.
    refund, release = await trial.place("refund"), await trial.place("release")
    await refund.ended()
    await release.ended()
    expect("stock" not in refund.effects.standing(), "stock left")
    expect("charge" not in release.effects.standing(), "charge left")


@check(
    "failed undo looks like a clean rollback",
    refusal("prepare_shipping"),
    permanent("refund_payment"),
)
async def looks_clean(trial: Trial) -> None:
    run = await trial.place()
    await run.ended()
    closed = await run.status() is not WorkflowExecutionStatus.RUNNING
    expect(not closed or "refund_payment" in await run.says(), "left, untold")


@check("undo without retries", refusal("prepare_shipping"), transient("refund_payment", times=2))
async def not_retried(trial: Trial) -> None:
    run = await trial.place()
    await run.ended()
    run.expect_nothing_stands()


@check("undo in forward order", refusal("prepare_shipping"), needs_a_leader=True)
async def forward_order(trial: Trial) -> None:
    run = await trial.place()
    await run.ended()
    undone = [a for a in await run.scheduled() if a in ("refund_payment", "release_inventory")]
    expect(undone == ["refund_payment", "release_inventory"], "first in first")


@check("undo keyed by the reply it never got", lost_reply("process_payment"))
async def keyed_by_the_reply(trial: Trial) -> None:
    run = await trial.place()
    await run.ended()
    run.expect_nothing_stands()


@check("rolled back but Completed", refusal("process_payment"))
async def closed_as_completed(trial: Trial) -> None:
    run = await trial.place()
    await run.ended()
    expect(await run.status() is not WorkflowExecutionStatus.COMPLETED, "Completed")
