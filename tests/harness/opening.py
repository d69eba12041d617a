"""Opens shops: ledgers in a folder, services that follow a fault plan, and an audit at the end."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, nullcontext
from pathlib import Path
from typing import Protocol

from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from typing_extensions import TypedDict, Unpack

from cli.modes import Mode
from messages.runs import ExaminedRun, SagaFact
from messages.sagas import SagaSucceeded
from runtime.encryption import NO_KEYS, Keys
from services.audit import audit
from services.faults import Fault
from services.mock import open_services
from settings import Settings
from tests.harness import ledgers
from tests.harness.faults import plan
from tests.harness.runs import Run, first_run, ref_of
from tests.harness.shop import Handle, Shop
from tests.harness.watched import Watch, WatchedServices


class Options(TypedDict, total=False):
    """Options of a shop."""

    #: How it places its orders.
    mode: Mode
    #: Whether its worker takes the fast path.
    fast_path: bool
    #: Keys with which it encrypts.
    keys: Keys
    #: Whether a worker runs from the beginning.
    worker: bool
    #: URLs of its ledgers by service; by default SQLite files in its folder.
    ledgers: Mapping[str, str]
    #: Sees each call of a service.
    watch: Watch


class OpenShop(Protocol):
    """Opens a shop whose services follow a fault plan; its ledgers must balance at the end."""

    def __call__(
        self, *faults: Fault, worker: bool = True
    ) -> AbstractAsyncContextManager[Shop]: ...


@asynccontextmanager
async def a_shop(
    env: WorkflowEnvironment, data_dir: Path, *faults: Fault, **options: Unpack[Options]
) -> AsyncIterator[Shop]:
    """Open a shop with its ledgers in a folder; see :class:`OpenShop`."""
    async with unaudited_shop(env, data_dir, *faults, **options) as shop:
        yield shop
    # By now every attempt that was given up has landed as well, too late or not.
    assert audit(shop.settings.ledger_urls(), await facts(shop)).violations == ()


@asynccontextmanager
async def unaudited_shop(
    env: WorkflowEnvironment, data_dir: Path, *faults: Fault, **options: Unpack[Options]
) -> AsyncIterator[Shop]:
    """Open the same, whatever state the test leaves its ledgers in."""
    task_queue = f"shop-{uuid.uuid4()}"
    settings = Settings(
        data_dir=data_dir,
        task_queue=task_queue,
        deployment=task_queue,
        fast_path=options.get("fast_path", False),
    )
    urls = {f"{service}_url": url for service, url in options.get("ledgers", {}).items()}
    settings = settings.model_copy(update=urls)
    with closing(open_services(settings.ledger_urls(), plan(*faults))) as opened:
        ledgers.have_been_open_for_long(settings)
        watch = options.get("watch")
        services = WatchedServices.of(opened, watch) if watch else opened
        mode, keys = options.get("mode", Mode.ORCHESTRATION), options.get("keys", NO_KEYS)
        shop = Shop(env, settings, services, mode, keys)
        async with shop.worker() if options.get("worker", True) else nullcontext():
            yield shop


async def facts(shop: Shop) -> dict[str, SagaFact]:
    """Return what the audit has to know of each order's run, by its first run id."""
    return {first_run(handle): await _fact(shop, handle) for handle in shop.placed}


async def _fact(shop: Shop, placed: Handle) -> SagaFact:
    """Return what the audit has to know of the run that was begun when the order was placed."""
    fact = (await examined(shop, placed)).fact
    if fact.status in ("terminated", "gone"):
        return fact
    run = shop.client.get_workflow_handle(
        placed.id, run_id=first_run(placed), result_type=SagaSucceeded
    )
    if fact.status != "open" and await _was_replaced(run):
        return fact  # of the run that a reset has made of it
    outcome = await shop.outcome(run)
    if isinstance(outcome, SagaSucceeded):
        return SagaFact(saga_id=run.id, status="succeeded")
    return SagaFact(
        saga_id=run.id, status="rolled_back", resolved_manually=outcome.resolved_manually
    )


async def examined(shop: Shop, handle: Run) -> ExaminedRun:
    """Return what Temporal knows of a run that can be read."""
    found = await shop.runs.examine(ref_of(handle))
    assert isinstance(found, ExaminedRun), found
    return found


async def _was_replaced(run: Run) -> bool:
    try:
        described = await run.describe()
    except RPCError:
        return True  # and then deleted
    reset_to = described.raw_description.workflow_extended_info.reset_run_id
    return described.status is WorkflowExecutionStatus.TERMINATED or bool(reset_to)
