"""Worker: it runs the sagas and hosts the services, until Ctrl-C or SIGTERM.

It takes no arguments. Its settings are ORDER_SAGA_… environment variables or lines of a file .env;
.env.example lists them. The TEMPORAL_… variables, such as TEMPORAL_ADDRESS, say where Temporal is.
"""

# Settings → services → activities → Temporal: only this module knows both the sagas and the
# services. Put your own services behind the ports here.

from __future__ import annotations

import runtime.interruptible  # noqa: F401 - must be first; its docstring says why

# isort: split
from runtime.argument_parser import ArgumentParser

if __name__ == "__main__":
    # Before the other imports, which take longer than all that the help needs.
    ArgumentParser("python worker.py", __doc__).parse_args()

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AsyncExitStack, closing
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import MetricMeter
from temporalio.service import RPCError
from temporalio.worker import (
    PollerBehaviorAutoscaling,
    Worker,
    WorkerConfig,
    WorkerDeploymentConfig,
)

from activities.deliveries import DeliveryActivities, Reaction
from activities.hosting import Activity, reactions, service_activities
from activities.reconciliation import ReconciliationActivities
from activities.records import records_activities
from messages.ledgers import Home
from messages.participants import SERVICES
from messages.text import one_line
from runs.carriers import TemporalCarriers
from runs.examination import TemporalRuns
from runs.schedule import ensure_reconciliation
from runs.waiting import what_waits_shown
from runtime.client import connect, ensure_search_attribute, home_of
from runtime.event_loops import run_fast
from runtime.exits import ExitCode, FatalError, run, stop_requested
from runtime.greeting import greeting
from runtime.health import health_served, worker_checks
from runtime.logs import log_as_json, log_to_terminal, say
from runtime.memory import keep_what_is_loaded
from runtime.metrics import begin_at_zero, fence_answer_counter, set_up_runtime
from runtime.programs import program
from runtime.shared_keys import worker_identity
from runtime.slots import POLLERS
from runtime.tracing import tracing
from services.answers import nobody
from services.faults import BadFaultPlan, FaultPlan, load_fault_plan
from services.kept_open import kept_open
from services.ledger import LedgerUnavailable
from services.mock import Services, open_services
from settings import Settings, read_settings
from workflows.arguments import CheckedArguments
from workflows.choreography.delivery import EventDelivery
from workflows.choreography.order_choreography import OrderChoreography
from workflows.ends import CountedEnds
from workflows.orchestration.order_saga import OrderSaga
from workflows.reconciliation.reconcile_orders import ReconcileOrders
from workflows.reconciliation.undo_leftover import UndoLeftover
from workflows.running import deployment_config, workflow_runner
from workflows.task_queues import ServiceTaskQueues

WORKFLOWS = (OrderSaga, OrderChoreography, EventDelivery, ReconcileOrders, UndoLeftover)


def temporal_activities(
    client: Client,
    settings: Settings,
    here: Mapping[str, Reaction],
    threads: Executor,
) -> list[Activity]:
    """Return the activities by which workflows query Temporal, and have events delivered.

    Args:
        here: reactions of the services in this process, by name; deliveries try them first.
    """
    runs = ReconciliationActivities(TemporalRuns(client, settings.task_queue))
    version = _version(settings) if settings.build_id else None
    carriers = TemporalCarriers(client, settings.task_queue, version.version if version else None)
    events = DeliveryActivities(carriers, here, threads)
    return [
        runs.find_broken_off_runs,
        runs.examine_runs,
        events.deliver_here,
        events.publish,
        events.start_delivery,
        events.deliver_again,
        events.look_at_deliveries,
    ]


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
    threads = ThreadPoolExecutor(settings.threads)
    return WorkerConfig(
        client=client,
        task_queue=queue,
        workflows=WORKFLOWS if hosts_workflows else (),
        activities=[
            *of_services,
            *(each for s in here for each in records_activities(s, services.records(s))),
            *(
                temporal_activities(client, settings, reactions(of_services), threads)
                if hosts_workflows
                else ()
            ),
        ],
        interceptors=[
            ServiceTaskQueues(own),
            CheckedArguments(),
            *([CountedEnds()] if settings.tells_ends else ()),
        ],
        identity=worker_identity(client),
        deployment_config=_version(settings),
        activity_executor=threads,
        tuner=settings.slots().tuner(),
        max_task_queue_activities_per_second=settings.rate_limit_of(queue),
        max_cached_workflows=settings.max_cached_workflows,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(maximum=POLLERS),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        workflow_runner=workflow_runner(sandbox=settings.sandbox),
        graceful_shutdown_timeout=timedelta(seconds=settings.graceful_shutdown_seconds),
    )


def _version(settings: Settings) -> WorkerDeploymentConfig | None:
    return deployment_config(settings.deployment, settings.build_id, fast_path=settings.fast_path)


async def main() -> ExitCode:
    """Run the worker until a signal arrives, then let running activities finish."""
    settings = read_settings()
    as_json = settings.log_format == "json"
    if as_json:
        log_as_json()
    stop = stop_requested()
    with tracing() as plugins:
        meter = set_up_runtime(settings.metrics_address, forward_logs=as_json)
        client = await connect(settings.keys(), plugins=plugins)
        await ensure_search_attribute(client)
        if "workflows" in settings.hosts:
            await _schedule_reconciliation(client, settings)
        with closing(_open_services(settings, await home_of(client), meter)) as services:
            async with AsyncExitStack() as running:
                await running.enter_async_context(kept_open(services))
                health = await _show_health(running, client, settings, services, stop)
                keep_what_is_loaded()
                await _start_workers(running, client, services, settings)
                metrics = await _show_metrics(running, client, settings, meter)
                for line in _greeting(client, settings, {"health": health, "metrics": metrics}):
                    say("worker", line)
                await stop.wait()
                say("worker", "stopping; running activities may finish")
    return ExitCode.SUCCESS


async def _start_workers(
    running: AsyncExitStack, client: Client, services: Services, settings: Settings
) -> None:
    for queue in task_queues(settings):
        worker = Worker(**worker_config(client, services, settings, queue))
        await running.enter_async_context(worker)


async def _show_health(
    running: AsyncExitStack,
    client: Client,
    settings: Settings,
    services: Services,
    stop: asyncio.Event,
) -> str | None:
    workflows = settings.task_queue if "workflows" in settings.hosts else None
    checks = worker_checks(client, stop, task_queues(settings), workflows, services.checks())
    return await running.enter_async_context(health_served(settings.health_address, checks))


async def _show_metrics(
    running: AsyncExitStack, client: Client, settings: Settings, meter: MetricMeter
) -> str | None:
    if settings.metrics_address is None:
        return None
    begin_at_zero(meter, client, settings.task_queue)
    if "workflows" in settings.hosts:
        await running.enter_async_context(what_waits_shown(client, settings.task_queue, meter))
    return f"http://{settings.metrics_address}/metrics"


def _greeting(
    client: Client, settings: Settings, addresses: Mapping[str, str | None]
) -> Iterable[str]:
    limits = {queue: settings.rate_limit_of(queue) for queue in task_queues(settings)}
    version, slots = _version(settings), settings.slots()
    return greeting(client, settings.hosts, version, slots, limits, addresses)


async def _schedule_reconciliation(client: Client, settings: Settings) -> None:
    if not (every := timedelta(seconds=settings.reconcile_every_seconds)):
        return
    try:
        await ensure_reconciliation(client, settings.task_queue, every)
    except RPCError as error:
        # A worker's API key may not give access to schedules, and orders do not need them.
        say(
            "worker",
            f"cannot schedule the reconciliation: {one_line(error.message)};"
            f" run it by hand: {program('starter.py')} reconcile",
        )


def _open_services(settings: Settings, home: Home, meter: MetricMeter) -> Services:
    listener = fence_answer_counter(meter) if settings.metrics_address else nobody
    try:
        faults = load_fault_plan(settings.faults) if settings.faults else FaultPlan()
        urls, threads = settings.ledger_urls(), settings.threads
        return open_services(urls, faults, settings.hosts, home, listener, threads)
    except (BadFaultPlan, LedgerUnavailable) as error:
        raise FatalError(str(error)) from error


if __name__ == "__main__":
    log_to_terminal()
    run(main, run_fast)
