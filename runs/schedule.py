"""The Temporal Schedule that has leftovers looked for again and again."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from messages.reconciliation import Reconcile
from messages.wire import RECONCILE_ORDERS
from runs.descriptions import SERVER_TIMEOUT


def schedule_id(task_queue: str) -> str:
    """Return the schedule's id; each task queue has ledgers, and so leftovers, of its own."""
    return f"reconcile-orders-{task_queue}"


async def ensure_reconciliation(client: Client, task_queue: str, every: timedelta) -> None:
    """Create the schedule, or give the one that is there this interval.

    One that an operator paused stays paused.

    Raises:
        RPCError: we may not, or the server knows no schedules.
    """
    wanted = _schedule(task_queue, every)
    try:
        await client.create_schedule(schedule_id(task_queue), wanted, rpc_timeout=SERVER_TIMEOUT)
    except ScheduleAlreadyRunningError:
        handle = client.get_schedule_handle(schedule_id(task_queue))

        def with_interval(found: ScheduleUpdateInput) -> ScheduleUpdate | None:
            schedule = found.description.schedule
            if [interval.every for interval in schedule.spec.intervals] == [every]:
                return None
            wanted.state = schedule.state
            return ScheduleUpdate(wanted)

        await handle.update(with_interval, rpc_timeout=SERVER_TIMEOUT)


def _schedule(task_queue: str, every: timedelta) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            RECONCILE_ORDERS, Reconcile(), id=schedule_id(task_queue), task_queue=task_queue
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every)]),
        policy=SchedulePolicy(
            overlap=ScheduleOverlapPolicy.SKIP,
            # What was missed while the server was down is made up for by the next one.
            catchup_window=timedelta(minutes=1),
        ),
    )
