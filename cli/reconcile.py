"""``reconcile``: undo the leftovers of terminated, timed-out and deleted runs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from secrets import token_hex
from typing import Any, Literal

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from cli.errors import OperationRefused
from cli.output import Output
from messages import wire
from messages.base import Message
from messages.marks import DONE, FAILED, NOTHING, UNDONE, WAITS
from messages.reconciliation import Reconcile, Reconciled, ReconciliationReport
from messages.text import printable
from runs.descriptions import SERVER_TIMEOUT, WORKER_TIMEOUT
from runs.schedule import schedule_id
from runs.visibility import equals
from runtime.exits import ExitCode
from runtime.programs import program
from workflows.failure import explain

_Run = WorkflowHandle[Any, ReconciliationReport]

_LOOK_EVERY = 5.0
#: Number of events in the history of a run that no worker has started.
_NOT_BEGUN = 2


async def reconcile(
    client: Client, task_queue: str, output: Output, request: Reconcile
) -> ExitCode:
    """Start a reconciliation and follow it; succeed when no leftover remains.

    Raises:
        OperationRefused: no worker answers, or somebody ended the reconciliation.
    """
    # By name: the workflow's module would import the SDK's worker.
    handle = await client.start_workflow(
        wire.RECONCILE_ORDERS,
        request,
        id=f"{schedule_id(task_queue)}-now-{token_hex(4)}",
        task_queue=task_queue,
        rpc_timeout=SERVER_TIMEOUT,
    )
    # Without a run id, the handle also follows the runs in which this one is continued as new.
    run = client.get_workflow_handle(handle.id, result_type=ReconciliationReport)
    try:
        report = await _report(run, task_queue, output)
    except asyncio.CancelledError:
        output.line(f"The reconciliation continues by itself, as {run.id}.")
        raise
    return _conclude(report, output)


async def _report(run: _Run, task_queue: str, output: Output) -> ReconciliationReport:
    ended = asyncio.create_task(run.result())
    silent = False
    try:
        while not (await asyncio.wait({ended}, timeout=_LOOK_EVERY))[0]:
            if not await _answers(run, task_queue) and not silent:
                silent = True
                output.line(
                    f"No worker answers; waiting for one ({program('worker.py')})", "yellow"
                )
        return ended.result()
    except WorkflowFailureError as failure:
        cause = failure.cause
        if isinstance(cause, ApplicationError) and cause.type == wire.NOT_RECONCILED:
            return ReconciliationReport.model_validate(cause.details[0])
        raise OperationRefused(
            f"the reconciliation {run.id} ended early: {explain(cause)}"
        ) from None
    finally:
        ended.cancel()


async def _answers(run: _Run, task_queue: str) -> bool:
    try:
        await run.query(wire.REPORT, rpc_timeout=WORKER_TIMEOUT)
    except RPCError as error:
        if error.status is RPCStatusCode.UNAVAILABLE:
            raise
        if (await run.describe(rpc_timeout=SERVER_TIMEOUT)).history_length > _NOT_BEGUN:
            return False  # a worker has started the run, so one will probably return
        raise OperationRefused(
            f"no worker answers on task queue {task_queue!r}; start one"
            f" ({program('worker.py')}), and it reconciles the orders ({run.id})"
        ) from None
    return True


def _conclude(report: ReconciliationReport, output: Output) -> ExitCode:
    for run in report.listed:
        _show(run, output, dry_run=report.dry_run)
    if report.orders > len(report.listed):
        output.line(f"… and {report.orders - len(report.listed)} more")
    for service, why in report.unanswered.items():
        output.line(f"{FAILED} {service} was not asked: {printable(why)}", "red")
    for unreadable in report.unreadable:
        run_id, why = unreadable.run.run_id, printable(unreadable.why)
        output.line(
            f"{FAILED} {unreadable.run.saga_id}, run {run_id}, cannot be judged: {why}", "red"
        )
    if report.stopped:
        say_stopped(report.stopped, output)
    output.line(_summary(report), "bold green" if report.all_done else "bold red")
    output.document(report)
    return ExitCode.SUCCESS if report.all_done else ExitCode.ROLLED_BACK


class StoppedSearch(Message):
    """Reconciliation that stopped because too many runs are gone, and waits for a decision."""

    kind: Literal["stopped_search"] = "stopped_search"
    workflow_id: str
    run_id: str
    why: str


async def stopped_search(client: Client, task_queue: str) -> StoppedSearch | None:
    """Return the last reconciliation, if it stopped to wait for a decision."""
    query = (
        f"{equals('WorkflowType', wire.RECONCILE_ORDERS)} AND {equals('TaskQueue', task_queue)}"
        ' AND ExecutionStatus IN ("Completed", "Failed")'
    )
    # The list begins with the run that closed last.
    async for run in client.list_workflows(query, rpc_timeout=SERVER_TIMEOUT, page_size=1):
        if run.status is not WorkflowExecutionStatus.FAILED:
            return None
        report = await _failed_report(client.get_workflow_handle(run.id, run_id=run.run_id))
        if report is None or report.stopped is None:
            return None
        return StoppedSearch(workflow_id=run.id, run_id=run.run_id, why=report.stopped)
    return None


async def _failed_report(run: WorkflowHandle[Any, Any]) -> ReconciliationReport | None:
    try:
        await run.result()
    except WorkflowFailureError as failure:
        with suppress(Exception):  # decoding may raise any exception
            if isinstance(failure.cause, ApplicationError):
                return ReconciliationReport.model_validate(failure.cause.details[0])
    return None


def say_stopped(why: str, output: Output) -> None:
    """Show why a reconciliation stopped, and the command that continues it."""
    output.sentence(f"{FAILED} Stopped: {why}", "bold red")
    output.line("  Look at the server and the ledgers first. If the runs were really deleted:")
    output.line(f"    {program('starter.py')} reconcile --however-many")


def _show(run: Reconciled, output: Output, *, dry_run: bool) -> None:
    output.line(f"Order {run.order_id}  {run.saga_id}, run {run.run_id}", "bold")
    if run.why:
        output.sentence(f"  {printable(run.why)}", "dim")
    if run.undone:
        what = "would undo" if dry_run else "undone"
        output.line(f"  {UNDONE} {what}: {', '.join(run.undone)}", "yellow")
    if run.kept_out:
        what = "would keep out" if dry_run else "kept out"
        output.line(f"  {NOTHING} {what}, should it still arrive: {', '.join(run.kept_out)}", "dim")
    if run.resolved_manually:
        output.line(f"  {UNDONE} undone by hand: {', '.join(run.resolved_manually)}", "yellow")
    if run.kept:
        output.line(f"  {DONE} kept by an operator: {', '.join(run.kept)}")
    if run.unproved and run.failed:
        steps = ", ".join(run.failed)
        what = "would ask an operator about" if dry_run else "waits for an operator:"
        output.line(f"  {WAITS} {what} {steps} (see {program('starter.py')} inbox)", "bold red")
        return
    for step, why in run.failed.items():
        output.line(f"  {FAILED} {step} is not undone: {printable(why)}", "red")


def _summary(report: ReconciliationReport) -> str:
    if report.all_done and not report.orders:
        return f"{DONE} No run has left anything behind."
    runs = f"{report.orders} order{'' if report.orders == 1 else 's'}"
    if report.dry_run:
        return (
            f"{runs}: {report.undone} steps to undo, {report.kept_out} to keep out,"
            f" {report.failed} to decide on; none touched"
        )
    done = f"{runs}: {report.undone} steps undone, {report.kept_out} kept out"
    if report.failed:
        return f"{FAILED} {done}, {report.failed} not; see the inbox"
    return f"{DONE} {done}; nothing is left behind." if report.all_done else f"{FAILED} {done}"
