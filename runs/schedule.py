"""Temporal Schedule that starts a reconciliation at regular intervals."""

from __future__ import annotations

from datetime import timedelta

from temporalio.api.common.v1 import Payload
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
    """Return the schedule's id; each task queue has its own ledgers, and so its own leftovers."""
    return f"reconcile-orders-{task_queue}"


async def ensure_reconciliation(client: Client, task_queue: str, every: timedelta) -> None:
    """Create the schedule, or set the interval of the existing one and the key of its input.

    A schedule that an operator paused stays paused.

    Raises:
        RPCError: access is refused, or the server does not support schedules.
    """
    wanted = _schedule(task_queue, every)
    try:
        await client.create_schedule(schedule_id(task_queue), wanted, rpc_timeout=SERVER_TIMEOUT)
    except ScheduleAlreadyRunningError:
        [payload] = await client.data_converter.encode([Reconcile()])
        handle = client.get_schedule_handle(schedule_id(task_queue))

        def with_interval(found: ScheduleUpdateInput) -> ScheduleUpdate | None:
            schedule = found.description.schedule
            intervals = [interval.every for interval in schedule.spec.intervals]
            # The input of the schedule outlives the key that it was encrypted with.
            if intervals == [every] and _metadata(schedule) == dict(payload.metadata):
                return None
            wanted.state = schedule.state
            return ScheduleUpdate(wanted)

        await handle.update(with_interval, rpc_timeout=SERVER_TIMEOUT)


def _metadata(schedule: Schedule) -> dict[str, bytes] | None:
    """Return how the input is encoded; None if it is not a single payload."""
    action = schedule.action
    given = action.args if isinstance(action, ScheduleActionStartWorkflow) else ()
    return dict(given[0].metadata) if len(given) == 1 and isinstance(given[0], Payload) else None


def _schedule(task_queue: str, every: timedelta) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            RECONCILE_ORDERS, Reconcile(), id=schedule_id(task_queue), task_queue=task_queue
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every)]),
        policy=SchedulePolicy(
            overlap=ScheduleOverlapPolicy.SKIP,
            # After a pause of the server, one reconciliation does the work of all missed ones.
            catchup_window=timedelta(minutes=1),
        ),
    )
