"""Variants that the bench compares, and the processes of each."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from temporalio.client import Client, WorkflowFailureError

from cli.modes import Mode
from messages.orders import Order
from runtime.devserver import DevServer
from runtime.processes import ChildProcess, ProcessFailed
from runtime.programs import ROOT
from settings import Settings
from trials.bench.machine import cpu_of

_OURS = str(ROOT / "worker.py")
_NONE: Mapping[str, str] = MappingProxyType({})
_READY_WITHIN = 60.0
_PAUSE = 0.05


class Variant(NamedTuple):
    """One row of the tables."""

    name: str
    #: Workflow type of an order, and the workflow id of an order id.
    workflow: str
    saga_id: Callable[[str], str]
    #: Arguments of Python that start the worker, and its additional settings.
    worker: tuple[str, ...] = (_OURS,)
    settings: Mapping[str, str] = _NONE
    #: Whether its server lacks our settings.
    server_as_delivered: bool = False

    @property
    def slug(self) -> str:
        """A name for ids. All are equally long, since history bytes depend on it."""
        return f"variant-{[one.name for one in VARIANTS].index(self.name)}"

    @property
    def exists(self) -> bool:
        """True if this version of the product has all its settings."""
        fields = {f"ORDER_SAGA_{field}".upper() for field in Settings.model_fields}
        return self.settings.keys() <= fields


def _bare(order_id: str) -> str:
    return f"bare_{order_id}"


_BARE = ("-m", "trials.bench.bare")

BARE_ON_DEFAULTS = Variant(
    "bare, as delivered", "BareOrder", _bare, _BARE, server_as_delivered=True
)
BARE = Variant("bare", "BareOrder", _bare, _BARE)
ORCHESTRATED = Variant("orchestrated", Mode.ORCHESTRATION.workflow, Mode.ORCHESTRATION.saga_id)
FAST_PATH = ORCHESTRATED._replace(name="fast path", settings={"ORDER_SAGA_FAST_PATH": "true"})
CHOREOGRAPHED = Variant("choreographed", Mode.CHOREOGRAPHY.workflow, Mode.CHOREOGRAPHY.saga_id)

VARIANTS = tuple(
    variant
    for variant in (BARE_ON_DEFAULTS, BARE, ORCHESTRATED, FAST_PATH, CHOREOGRAPHED)
    if variant.exists
)


class System(NamedTuple):
    """A variant that runs: its server and workers are processes of their own."""

    variant: Variant
    client: Client
    server: ChildProcess
    workers: Sequence[ChildProcess]
    task_queue: str
    #: URLs of its own ledgers, by service.
    ledgers: Mapping[str, str]
    #: Number of its orders that succeeded, and that were refused.
    ended: Counter[str]

    @property
    def name(self) -> str:
        """Its name in the tables."""
        return self.variant.name

    @property
    def slug(self) -> str:
        """A name for ids."""
        return self.variant.slug

    async def refuses(self, order: Order) -> bool:
        """Place an order, wait for its end, and tell whether it was refused."""
        run = await self.client.start_workflow(
            self.variant.workflow,
            order,
            id=self.variant.saga_id(order.order_id),
            task_queue=self.task_queue,
        )
        try:
            await run.result()
        except WorkflowFailureError:
            return True
        return False

    async def quiet(self) -> None:
        """Wait until nothing of the variant is running any more."""
        query = f'TaskQueue = "{self.task_queue}" AND ExecutionStatus = "Running"'
        while True:
            runs = await self.client.count_workflows(query)
            activities = await self.client.count_activities(query)
            if not runs.count and not activities.count:
                return
            await asyncio.sleep(_PAUSE)

    def cpu(self) -> tuple[float, float]:
        """Return the CPU time of its server and of its workers, in seconds.

        Raises:
            ProcessFailed: one of them died, so the measurement is void.
        """
        return _cpu_of(self.server), sum(map(_cpu_of, self.workers))


@asynccontextmanager
async def running(
    folder: Path, report: Callable[[str], None], variants: Sequence[Variant] = VARIANTS
) -> AsyncIterator[list[System]]:
    """Run variants; those with the same server settings share a server.

    Args:
        folder: directory of the servers' databases and of the ledgers.
        report: receives one line about another port, or about a process that died.
        variants: those to run, by default all.

    Raises:
        ServerFailed: a server does not start.
        ProcessFailed: a worker does not start.
    """
    async with AsyncExitStack() as opened:
        servers: dict[bool, DevServer] = {}
        for as_delivered in dict.fromkeys(variant.server_as_delivered for variant in variants):
            own = DevServer(
                folder / f"server-{len(servers)}", report=report, as_delivered=as_delivered
            )
            servers[as_delivered] = await opened.enter_async_context(own)
        yield [
            await opened.enter_async_context(
                system(variant, servers[variant.server_as_delivered], folder / variant.slug, report)
            )
            for variant in variants
        ]


@asynccontextmanager
async def system(
    variant: Variant,
    server: DevServer,
    folder: Path,
    report: Callable[[str], None],
    workers: int = 1,
) -> AsyncIterator[System]:
    """Run a variant with so many worker processes, all on the same task queue and ledgers.

    Args:
        folder: directory of the ledgers; its name becomes part of the task queue's name.

    Raises:
        ProcessFailed: a worker does not start.
    """
    settings = Settings(data_dir=folder, task_queue=f"bench-{folder.name}")
    environment = {**_environment(server, settings), **variant.settings}
    async with AsyncExitStack() as opened:
        processes = [
            await opened.enter_async_context(_worker(variant, server, environment, log, report))
            for log in (folder / f"worker-{number}.log" for number in range(workers))
        ]
        client = await server.client()
        urls = settings.ledger_urls()
        queue = settings.task_queue
        yield System(variant, client, server.process, processes, queue, urls, Counter())


def _worker(
    variant: Variant,
    server: DevServer,
    environment: Mapping[str, str],
    log: Path,
    report: Callable[[str], None],
) -> ChildProcess:
    worker = ChildProcess(
        f"the worker of {variant.name}",
        [sys.executable, *variant.worker],
        log=log,
        lock=server.lock,
        environment=environment,
        ready=lambda: _polls(worker),
        report=report,
    )
    return worker


def _environment(server: DevServer, settings: Settings) -> dict[str, str]:
    settings.data_dir.mkdir()
    inherited = {k: v for k, v in server.environment.items() if not k.startswith("ORDER_SAGA_")}
    return inherited | {
        "PYTHONPATH": str(ROOT),
        "ORDER_SAGA_DATA_DIR": str(settings.data_dir.resolve()),
        "ORDER_SAGA_TASK_QUEUE": settings.task_queue,
        # A reconciliation in the middle would distort one variant's numbers.
        "ORDER_SAGA_RECONCILE_EVERY_SECONDS": "0",
    }


async def _polls(worker: ChildProcess) -> None:
    async def said() -> None:
        while "polling" not in worker.output():  # noqa: ASYNC110 - a file tells no one
            await asyncio.sleep(0.02)

    try:
        await asyncio.wait_for(said(), _READY_WITHIN)
    except asyncio.TimeoutError:
        raise ProcessFailed(f"{worker.name} does not start: {worker.last_words()}") from None


def _cpu_of(process: ChildProcess) -> float:
    if process.pid is None:
        raise ProcessFailed(f"{process.name} died: {process.last_words()}")
    return cpu_of(process.pid)
