"""Slots of a worker: how many tasks it runs at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from temporalio.worker import WorkerTuner

# The SDK's own minimum for workflow tasks; below it nothing is held back.
_ALWAYS = 5
#: Most polls for workflow tasks that a worker has open at the same time. Each holds a slot. With
#: the SDK's limit of 100, a busy worker has none left for the first task of a run, which then comes
#: through the task queue, and not with the answer to the start.
POLLERS = 5


class Slots(NamedTuple):
    """Most tasks that a worker runs at the same time, and how much of the machine it may use.

    The SDK takes either fixed numbers or a tuner that looks at memory and CPUs. With the latter,
    our numbers are its upper bounds. So there are enough threads for the activities in both cases.
    """

    activities: int
    workflow_tasks: int
    #: Shares of the machine's memory and CPUs up to which the worker takes more tasks.
    memory: float | None = None
    cpu: float | None = None

    def tuner(self) -> WorkerTuner:
        """Return the SDK's tuner for regular and local activities and for workflow tasks."""
        # Imported here, because every command reads the settings, and few run a worker.
        from temporalio.worker import ResourceBasedSlotConfig, WorkerTuner

        if self.memory is None or self.cpu is None:
            return WorkerTuner.create_fixed(
                workflow_slots=self.workflow_tasks,
                activity_slots=self.activities,
                local_activity_slots=self.activities,
            )
        of_activities = ResourceBasedSlotConfig(maximum_slots=self.activities)
        of_workflows = ResourceBasedSlotConfig(
            minimum_slots=min(_ALWAYS, self.workflow_tasks), maximum_slots=self.workflow_tasks
        )
        return WorkerTuner.create_resource_based(
            target_memory_usage=self.memory,
            target_cpu_usage=self.cpu,
            workflow_config=of_workflows,
            activity_config=of_activities,
            local_activity_config=of_activities,
        )

    def __str__(self) -> str:
        """Tell them in the words of a worker's first lines."""
        told = f"{self.activities} activities and {self.workflow_tasks} workflow tasks at a time"
        if self.memory is None or self.cpu is None:
            return f"up to {told}"
        return f"up to {told}, while memory is below {self.memory:.0%} and CPU below {self.cpu:.0%}"
