"""Measurement of one variant under one load, by the same load generator for all."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from cli.order_file import read_order
from messages.orders import Order
from runtime.programs import ROOT
from services.audit import audit
from trials.bench.machine import cpu_of, foreign_share, read_clocks

#: Address to which no carrier delivers, so shipping refuses the order.
_NOWHERE = "Research Station 4, Antarctica"


class Load(NamedTuple):
    """Kind of load: how many of a hundred orders shipping refuses, and how many are in flight."""

    percent_refused: int
    in_flight: int

    def orders(self, name: str, count: int) -> Iterator[Order]:
        """Generate orders whose ids begin with ``name``; the refused ones are spread evenly."""
        order = read_order(str(ROOT / "examples" / "order.json"))
        for number in range(count):
            now, before = (-(-n * self.percent_refused // 100) for n in (number + 1, number))
            named = order.model_copy(update={"order_id": f"{name}-{number}"})
            refused = {"shipping_address": _NOWHERE} if now > before else {}
            yield named.model_copy(update=refused)


class Measured(Protocol):
    """Variant that runs, in processes of its own."""

    @property
    def name(self) -> str:
        """Its name in the tables."""

    @property
    def slug(self) -> str:
        """A name for ids."""

    @property
    def ledgers(self) -> Mapping[str, str]:
        """URLs of its own ledgers, by service."""

    @property
    def ended(self) -> Counter[str]:
        """Number of its orders that succeeded, and that were refused."""

    async def refuses(self, order: Order) -> bool:
        """Place an order, wait for its end, and tell whether it was refused."""

    async def quiet(self) -> None:
        """Wait until nothing of the variant is running any more."""

    def cpu(self) -> tuple[float, float]:
        """Return the CPU time of its server and of its workers, in seconds.

        Raises:
            ProcessFailed: one of them died, so the measurement is void.
        """


@dataclass(frozen=True)
class Sample:
    """One measurement. CPU times are seconds for 1000 orders."""

    orders_per_second: float
    #: Median time from the start of an order to its result, in ms.
    p50_ms: float
    server_cpu: float
    worker_cpu: float
    client_cpu: float
    #: Share of the machine's CPUs that other processes used meanwhile, from 0 to 1.
    foreign: float

    @property
    def cpu(self) -> float:
        """CPU time of server and worker."""
        return self.server_cpu + self.worker_cpu


async def measure(system: Measured, load: Load, name: str, count: int) -> Sample:
    """Place orders, keep ``load.in_flight`` of them in flight, and wait for the last.

    Raises:
        ProcessFailed: server or worker died, so the measurement is void.
    """
    before, cpu_before = read_clocks(), _cpu(system)
    began = time.perf_counter()
    waiting = load.orders(f"{system.slug}-{name}", count)
    latencies: list[float] = []
    customers = (_serve(system, waiting, latencies) for _ in range(load.in_flight))
    await asyncio.gather(*customers)
    seconds = time.perf_counter() - began
    # Deliveries may go on when the order has ended, and their CPU time belongs to it.
    await system.quiet()
    server, worker, client = (
        1000 * (cpu - earlier) / count
        for cpu, earlier in zip(_cpu(system), cpu_before, strict=True)
    )
    return Sample(
        orders_per_second=count / seconds,
        p50_ms=1000 * statistics.median(latencies),
        server_cpu=server,
        worker_cpu=worker,
        client_cpu=client,
        foreign=foreign_share(before, read_clocks(), os.cpu_count() or 1),
    )


async def _serve(system: Measured, waiting: Iterator[Order], latencies: list[float]) -> None:
    for order in waiting:
        began = time.perf_counter()
        await place(system, order)
        latencies.append(time.perf_counter() - began)


async def place(system: Measured, order: Order) -> None:
    """Place one order and wait for its end.

    Raises:
        RuntimeError: it did not end as it had to.
    """
    refused = await system.refuses(order)
    system.ended["refused" if refused else "succeeded"] += 1
    if refused != (order.shipping_address == _NOWHERE):
        how = "failed" if refused else "succeeded"
        raise RuntimeError(f"{system.name}: {order.order_id} {how}, against all plans")


def check_effects(system: Measured) -> None:
    """Require that the ledgers have all effects of the orders that succeeded, and no others.

    Raises:
        RuntimeError: they have not, so the variants did not do the same work.
    """
    report = audit(system.ledgers)
    found = {"succeeded": report.succeeded, "refused": report.rolled_back}
    if not report.clean or Counter(found) != system.ended:
        raise RuntimeError(
            f"{system.name}: the ledgers have {found}, and the orders were {system.ended}:"
            f" {report.violations[:3]}"
        )


def _cpu(system: Measured) -> tuple[float, float, float]:
    return *system.cpu(), cpu_of(os.getpid())
