"""Worker of the system: settings → services → activities → Temporal.

``python worker.py`` runs a worker until SIGINT or SIGTERM. Only this module knows both the sagas
and the services; put your own services behind the ports here.
"""

from __future__ import annotations

import runtime.interruptible  # noqa: F401 - must be first; its docstring says why

# isort: split
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AsyncExitStack, closing
from datetime import timedelta
from importlib import import_module
from typing import Protocol, cast

from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import (
    PollerBehaviorAutoscaling,
    UnsandboxedWorkflowRunner,
    Worker,
    WorkerConfig,
    WorkerDeploymentConfig,
    WorkflowRunner,
)
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.deliveries import DeliveryActivities, Reaction
from activities.reconciliation import ReconciliationActivities
from activities.records import records_activities
from messages.ledgers import Home
from messages.participants import BY_SERVICE, PARTICIPANTS, SERVICES
from messages.text import one_line
from runs.carriers import TemporalCarriers
from runs.examination import TemporalRuns
from runs.schedule import ensure_reconciliation
from runtime.argument_parser import ArgumentParser
from runtime.client import connect, ensure_search_attribute, home_of
from runtime.exits import ExitCode, FatalError, run, stop_requested
from runtime.health import health_served, worker_checks
from runtime.logs import log_to_terminal
from runtime.shared_keys import key_ids, worker_identity
from services.faults import BadFaultPlan, FaultPlan, load_fault_plan
from services.kept_open import kept_open
from services.ledger import LedgerUnavailable
from services.mock import Services, open_services
from settings import Settings, read_settings
from workflows.arguments import CheckedArguments
from workflows.choreography.delivery import EventDelivery
from workflows.choreography.order_choreography import OrderChoreography
from workflows.orchestration.fast_path import fast
from workflows.orchestration.order_saga import OrderSaga
from workflows.reconciliation.reconcile_orders import ReconcileOrders
from workflows.reconciliation.undo_leftover import UndoLeftover
from workflows.task_queues import ServiceTaskQueues

#: Bound method of an activity. Its workflow knows the types of its arguments and result.
Activity = Callable[..., object]

HELP = """\
Run the sagas and host the services, until Ctrl-C or SIGTERM.

The worker takes no arguments. Its settings are ORDER_SAGA_… environment variables or lines of a
file .env; .env.example lists them, and settings.py explains them. The TEMPORAL_… variables, such
as TEMPORAL_ADDRESS, say where Temporal is."""

# Modules without side effects. In the sandbox, a workflow task is much cheaper if they are
# imported once instead of once per run.
_SHARED = ("pydantic", "messages", "activities", "workflows.policies")

WORKFLOWS = (OrderSaga, OrderChoreography, EventDelivery, ReconcileOrders, UndoLeftover)


class _Module(Protocol):
    """Interface of the modules ``activities/<service>.py``."""

    @staticmethod
    def HOST(port: object, /) -> object:
        """Create the object with the service's activities, which use its port."""


def service_activities(service: str, port: object) -> list[Activity]:
    """Return the activities of a service: steps of a saga, and reactions to events."""
    host = cast("_Module", import_module(f"activities.{service}")).HOST(port)
    return [getattr(host, activity) for activity in BY_SERVICE[service].activities]


def temporal_activities(
    client: Client,
    settings: Settings,
    reactions: Mapping[str, Reaction],
    threads: Executor,
) -> list[Activity]:
    """Return the activities by which workflows query Temporal, and have events delivered.

    Args:
        reactions: reactions of the services in this process, by name; deliveries try them first.
    """
    runs = ReconciliationActivities(TemporalRuns(client, settings.task_queue))
    version = _version(settings) if settings.build_id else None
    carriers = TemporalCarriers(client, settings.task_queue, version.version if version else None)
    events = DeliveryActivities(carriers, reactions, threads)
    return [
        runs.find_broken_off_runs,
        runs.examine_runs,
        events.deliver_here,
        events.publish,
        events.start_delivery,
        events.deliver_again,
        events.look_at_deliveries,
    ]


def _reactions(activities: Sequence[Activity]) -> dict[str, Reaction]:
    """Return the reactions among the activities of services, by name."""
    names = {name for participant in PARTICIPANTS for name in participant.reactions}
    return {each.__name__: cast("Reaction", each) for each in activities if each.__name__ in names}


def task_queues(settings: Settings) -> list[str]:
    """Return the task queues of the parts that this worker hosts."""
    own = settings.task_queues()
    queues = [settings.task_queue] if "workflows" in settings.hosts else []
    return list(dict.fromkeys(queues + [own[s] for s in SERVICES if s in settings.hosts]))


def worker_config(
    client: Client, services: Services, settings: Settings, task_queue: str | None = None
) -> WorkerConfig:
    """Return the configuration of a worker on a task queue, by default that of the workflows."""
    own = settings.task_queues()
    queue = task_queue or settings.task_queue
    hosts_workflows = "workflows" in settings.hosts and queue == settings.task_queue
    here = [s for s in SERVICES if s in settings.hosts and own[s] == queue]
    # Replace the mocks by your own services here.
    of_services = [each for s in here for each in service_activities(s, services[s])]
    # Regular and local activities share the threads.
    threads = ThreadPoolExecutor(2 * settings.max_concurrent_activities)
    return WorkerConfig(
        client=client,
        task_queue=queue,
        workflows=WORKFLOWS if hosts_workflows else (),
        activities=[
            *of_services,
            *(each for s in here for each in records_activities(s, services.records(s))),
            *(
                temporal_activities(client, settings, _reactions(of_services), threads)
                if hosts_workflows
                else ()
            ),
        ],
        interceptors=[ServiceTaskQueues(own), CheckedArguments()],
        identity=worker_identity(client),
        deployment_config=_version(settings),
        activity_executor=threads,
        max_concurrent_activities=settings.max_concurrent_activities,
        max_concurrent_local_activities=settings.max_concurrent_activities,
        max_concurrent_workflow_tasks=settings.max_concurrent_workflow_tasks,
        max_cached_workflows=settings.max_cached_workflows,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        workflow_runner=workflow_runner(sandbox=settings.sandbox),
        graceful_shutdown_timeout=timedelta(seconds=settings.graceful_shutdown_seconds),
    )


def workflow_runner(*, sandbox: bool) -> WorkflowRunner:
    """Return what runs the workflows, in the SDK's sandbox or as any other code."""
    if not sandbox:
        return UnsandboxedWorkflowRunner()
    shared = SandboxRestrictions.default.with_passthrough_modules(*_SHARED)
    return SandboxedWorkflowRunner(restrictions=shared)


def _version(settings: Settings) -> WorkerDeploymentConfig | None:
    build_id = settings.build_id or ""
    if settings.fast_path:
        build_id = fast(build_id)
    if not build_id:
        return None
    pinned, unversioned = VersioningBehavior.PINNED, VersioningBehavior.UNSPECIFIED
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(settings.deployment, build_id),
        use_worker_versioning=settings.build_id is not None,
        default_versioning_behavior=pinned if settings.build_id else unversioned,
    )


async def main() -> ExitCode:
    """Run the worker until a signal arrives, then let running activities finish."""
    ArgumentParser("python worker.py", HELP).parse_args()
    settings = read_settings()
    stop = stop_requested()
    client = await connect(settings.keys())
    await ensure_search_attribute(client)
    if "workflows" in settings.hosts:
        await _schedule_reconciliation(client, settings)
    queues = task_queues(settings)
    with closing(_open_services(settings, await home_of(client))) as services:
        workflows = settings.task_queue if "workflows" in settings.hosts else None
        deployed = _version(settings)
        version = deployed.version if deployed and deployed.use_worker_versioning else None
        checks = worker_checks(client, stop, queues, workflows, version, services.checks())
        health = health_served(settings.health_address, checks)
        async with kept_open(services), health, AsyncExitStack() as workers:
            for queue in queues:
                worker = Worker(**worker_config(client, services, settings, queue))
                await workers.enter_async_context(worker)
            print(
                f"worker: polling task queue{'s' if len(queues) > 1 else ''}"
                f" {', '.join(map(repr, queues))} on"
                f" {client.service_client.config.target_host}, namespace {client.namespace}"
                f"{_encryption(client)}; Ctrl-C stops it",
                flush=True,
            )
            await stop.wait()
            print("worker: stopping; running activities may finish", flush=True)
    return ExitCode.SUCCESS


def _encryption(client: Client) -> str:
    ids = key_ids(client)
    return f", payloads encrypted with key {ids[0]}" if ids else ""


async def _schedule_reconciliation(client: Client, settings: Settings) -> None:
    every = timedelta(seconds=settings.reconcile_every_seconds)
    if not every:
        return
    try:
        await ensure_reconciliation(client, settings.task_queue, every)
    except RPCError as error:
        # A worker's API key may not give access to schedules, and orders do not need them.
        print(
            f"worker: cannot schedule the reconciliation: {one_line(error.message)};"
            " run it by hand: python starter.py reconcile",
            flush=True,
        )


def _open_services(settings: Settings, home: Home) -> Services:
    try:
        faults = load_fault_plan(settings.faults) if settings.faults else FaultPlan()
        return open_services(settings.ledger_urls(), faults, only=settings.hosts, home=home)
    except (BadFaultPlan, LedgerUnavailable) as error:
        raise FatalError(str(error)) from error


if __name__ == "__main__":
    log_to_terminal()
    run(main)
