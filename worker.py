"""The worker: settings → services → activities → Temporal.

``python worker.py`` runs one until SIGINT or SIGTERM. The only place that knows both the
saga and the services; put your own services behind the ports here.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker, WorkerConfig
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.inventory import InventoryActivities
from activities.loyalty import LoyaltyActivities
from activities.payment import PaymentActivities
from activities.shipping import ShippingActivities
from runtime.client import connect, ensure_search_attribute
from runtime.exits import ExitCode, FatalError, run, stop_requested
from runtime.logs import log_to_terminal
from services.faults import BadFaultPlan, FaultPlan, load_fault_plan
from services.ledger import LedgerUnavailable
from services.mock import Services, open_services
from settings import Settings, read_settings
from workflows.orchestration.order_saga import OrderSaga

# Pure modules of ours: importing them once instead of once per run is most of what makes
# a workflow task cheap. The workflows themselves stay inside the sandbox.
PASSED_THROUGH = ("pydantic", "messages", "activities", "workflows.policies")


def worker_config(client: Client, services: Services, settings: Settings) -> WorkerConfig:
    """What a worker hosts: the sagas, and the activities over these services."""
    inventory = InventoryActivities(services.inventory)
    payment = PaymentActivities(services.payment)
    shipping = ShippingActivities(services.shipping)
    loyalty = LoyaltyActivities(services.loyalty)
    return WorkerConfig(
        client=client,
        task_queue=settings.task_queue,
        workflows=[OrderSaga],
        activities=[
            inventory.reserve_inventory,
            inventory.release_inventory,
            payment.process_payment,
            payment.refund_payment,
            shipping.prepare_shipping,
            shipping.cancel_shipment,
            loyalty.award_loyalty_points,
            loyalty.deduct_loyalty_points,
        ],
        activity_executor=ThreadPoolExecutor(settings.max_concurrent_activities),
        max_concurrent_activities=settings.max_concurrent_activities,
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
        ),
        graceful_shutdown_timeout=timedelta(seconds=settings.graceful_shutdown_seconds),
    )


async def main() -> ExitCode:
    """Serve until told to stop, then let what is running finish."""
    settings = read_settings()
    stop = stop_requested()
    client = await connect()
    await ensure_search_attribute(client)
    with closing(_open_services(settings)) as services:
        async with Worker(**worker_config(client, services, settings)):
            print(
                f"worker: polling task queue {settings.task_queue!r} on"
                f" {client.service_client.config.target_host}, namespace {client.namespace};"
                " Ctrl-C stops it",
                flush=True,
            )
            await stop.wait()
            print("worker: stopping; running activities may finish", flush=True)
    return ExitCode.SUCCESS


def _open_services(settings: Settings) -> Services:
    try:
        faults = load_fault_plan(settings.faults) if settings.faults else FaultPlan()
        return open_services(settings.ledger_urls(), faults)
    except (BadFaultPlan, LedgerUnavailable) as error:
        raise FatalError(str(error)) from error


if __name__ == "__main__":
    log_to_terminal()
    run(main)
