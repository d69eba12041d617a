"""Who is checked: our saga, and textbook variants of the same one.

Another saga of ours takes part with one more row here.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple

from temporalio.client import Client
from temporalio.worker import WorkerConfig
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from services.mock import Services
from settings import Settings
from tests.scoreboard.textbook.activities import TextbookActivities
from tests.scoreboard.textbook.register_after import RegisterAfter
from tests.scoreboard.textbook.shielded import Shielded
from tests.scoreboard.textbook.stop_at_failed_undo import StopAtFailedUndo
from worker import PASSED_THROUGH, worker_config


class Contender(NamedTuple):
    """One saga on the scoreboard."""

    #: Head of its column.
    name: str
    #: Its workflow type, and what its workflow ids begin with.
    workflow: str
    prefix: str
    #: What its worker hosts.
    config: Callable[[Client, Services, Settings], WorkerConfig]
    #: How its customer cancels: a signal is always taken, an Update may be refused.
    cancelled_by: Literal["update", "signal"]
    #: Whether the order's deadline is also given to Temporal as the run's execution time-out.
    execution_timeout: bool = False
    #: Works with services that leave tombstones. The others' are idempotent, and no more.
    ours: bool = False


def _register_after(client: Client, services: Services, settings: Settings) -> WorkerConfig:
    activities = TextbookActivities(services, settings.ledger_urls(), fresh_keys=True)
    return _hosting(RegisterAfter, activities, client, settings)


def _shielded(client: Client, services: Services, settings: Settings) -> WorkerConfig:
    activities = TextbookActivities(services, settings.ledger_urls(), fresh_keys=False)
    return _hosting(Shielded, activities, client, settings)


def _stop_at_failed_undo(client: Client, services: Services, settings: Settings) -> WorkerConfig:
    config = worker_config(client, services, settings)
    config["workflows"] = [StopAtFailedUndo]
    config["workflow_runner"] = _sandbox()
    return config


def _hosting(
    workflow: type, activities: TextbookActivities, client: Client, settings: Settings
) -> WorkerConfig:
    return WorkerConfig(
        client=client,
        task_queue=settings.task_queue,
        workflows=[workflow],
        activities=[
            activities.reserve_inventory,
            activities.release_inventory,
            activities.process_payment,
            activities.refund_payment,
            activities.prepare_shipping,
            activities.cancel_shipment,
            activities.award_loyalty_points,
            activities.deduct_loyalty_points,
        ],
        activity_executor=ThreadPoolExecutor(settings.max_concurrent_activities),
        max_concurrent_activities=settings.max_concurrent_activities,
        workflow_runner=_sandbox(),
    )


def _sandbox() -> SandboxedWorkflowRunner:
    passed = (*PASSED_THROUGH, "services", "sqlalchemy")
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(*passed)
    )


CONTENDERS = (
    Contender("Order Saga", "OrderSaga", "order_saga", worker_config, "update", ours=True),
    Contender(
        "register after",
        "RegisterAfter",
        "register_after",
        _register_after,
        "signal",
        execution_timeout=True,
    ),
    Contender("shielded undo", "Shielded", "shielded", _shielded, "signal"),
    Contender(
        "stop at failure",
        "StopAtFailedUndo",
        "stop_at_failed_undo",
        _stop_at_failed_undo,
        "signal",
    ),
)
