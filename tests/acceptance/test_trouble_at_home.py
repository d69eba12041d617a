"""The ledgers' disk is full while orders run: they wait for space, and nothing is lost."""

from __future__ import annotations

import re
import resource
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness.builders import seed_order_json
from tests.harness.running import Running
from tests.harness.system import System
from tests.harness.waiting import wait_until

#: Some orders are refused, so that some are being undone when the disk is full.
ORDINARY_FAULTS = Path(__file__).parents[2] / "examples" / "faults" / "seed.toml"
ORDERS = 30


@contextmanager
def full_disk(worker: Running) -> Iterator[None]:
    """No write of the worker to a file succeeds: what a file system without space does to it."""
    pid = worker.process.pid
    before, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, most))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (before, most))


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux takes space away")
def test_orders_outlast_a_full_disk_and_none_is_lost(system_beside: System) -> None:
    worker = system_beside.start_worker(faults=str(ORDINARY_FAULTS))
    many = ("--orders", str(ORDERS), "--prefix", f"full-{uuid.uuid4()}", "--concurrency", "5")
    simulation = system_beside.start("starter.py", "simulate", *many)
    simulation.until_it_says(rf"{ORDERS // 10} of {ORDERS} orders")
    order_id = f"order-{uuid.uuid4()}"
    (system_beside.folder / "order.json").write_text(seed_order_json(order_id))
    with full_disk(worker):
        another = system_beside.start(
            "starter.py", "order", str(system_beside.folder / "order.json")
        )
        another.until_it_says("reserve_inventory +running")
        why = "inventory ledger: (disk I/O error|database or disk is full)"
        until_it_fails(system_beside, order_id, why)
        assert simulation.process.poll() is None, simulation.output()
    assert simulation.exit_code() == 0, simulation.output()
    assert another.exit_code() in (0, 1), another.output()
    assert re.search("✔ SUCCESS|↩ FAILED at", another.output())
    assert worker.process.poll() is None, worker.output()
    assert "Traceback" not in worker.output()
    audit = system_beside.starter_json("audit")
    assert audit["clean"] is True, audit
    ended = [n for n in (audit["succeeded"], audit["rolled_back"]) if isinstance(n, int)]
    assert sum(ended) == ORDERS + 1


def until_it_fails(system: System, order_id: str, pattern: str) -> None:
    """Wait until a step of the order is tried again because of that."""
    query = ("workflow", "describe", "--workflow-id", f"order_saga_{order_id}")
    wait_until(lambda: re.search(pattern, system.temporal(*query).stdout), pattern)
