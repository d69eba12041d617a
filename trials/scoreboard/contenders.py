"""Contenders of the scoreboard: our two sagas, and textbook variants of the order saga."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple

from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, WorkerConfig

from services.mock import Services
from settings import Settings
from trials.scoreboard.textbook.activities import TextbookActivities
from trials.scoreboard.textbook.register_after import RegisterAfter
from trials.scoreboard.textbook.shielded import Shielded
from trials.scoreboard.textbook.stop_at_failed_undo import StopAtFailedUndo
from worker import worker_config

# The variants are deterministic, and the sandbox would take most of their time.
_RUNNER = UnsandboxedWorkflowRunner()


class Contender(NamedTuple):
    """Saga that is checked for the bugs."""

    #: Title of its column.
    name: str
    #: Its workflow type, and the prefix of its workflow ids.
    workflow: str
    prefix: str
    #: Makes the configuration of its worker.
    config: Callable[[Client, Services, Settings], WorkerConfig]
    #: Message by which its customer cancels. A signal is always accepted, an Update may be refused.
    cancelled_by: Literal["update", "signal"]
    #: Whether the order's deadline is also the execution timeout of its run.
    execution_timeout: bool = False
    #: Whether its services leave tombstones. Without them they are only idempotent.
    ours: bool = False
    #: Whether its services react to events, each of which is delivered by a workflow of its own.
    choreographed: bool = False


def _register_after(client: Client, services: Services, settings: Settings) -> WorkerConfig:
    activities = TextbookActivities(services, settings.ledger_urls(), fresh_keys=True)
    return _hosting(RegisterAfter, activities, client, settings)


def _shielded(client: Client, services: Services, settings: Settings) -> WorkerConfig:
    activities = TextbookActivities(services, settings.ledger_urls(), fresh_keys=False)
    return _hosting(Shielded, activities, client, settings)


def _stop_at_failed_undo(client: Client, services: Services, settings: Settings) -> WorkerConfig:
    config = worker_config(client, services, settings)
    config["workflows"] = [StopAtFailedUndo]
    config["workflow_runner"] = _RUNNER
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
        workflow_runner=_RUNNER,
    )


CONTENDERS = (
    Contender("orchestrated", "OrderSaga", "order_saga", worker_config, "update", ours=True),
    Contender(
        "choreographed",
        "OrderChoreography",
        "saga",
        worker_config,
        "update",
        ours=True,
        choreographed=True,
    ),
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
