"""A worker's memory: whoever starts a worker, the settings against its growth are in force."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from runtime.memory import FOR_MANY_THREADS
from tests.harness.children import holders
from tests.harness.system import System
from tests.harness.waiting import wait_until

#: A worker that tells at its end how many objects the collector leaves alone.
WORKER = """
import gc

from runtime.event_loops import run_fast
from runtime.exits import run
from worker import main

async def counted():
    code = await main()
    print("left alone:", gc.get_freeze_count(), flush=True)
    return code

run(counted, run_fast)
"""


def test_a_worker_has_the_collector_leave_alone_what_is_loaded(running_system: System) -> None:
    worker = running_system.start("-c", WORKER, ORDER_SAGA_TASK_QUEUE="memory")
    worker.until_it_says("polling task queue")
    worker.send(signal.SIGTERM)

    assert worker.exit_code() == 0, worker.output()
    assert int(worker.until_it_says(r"left alone: (\d+)")[1]) > 10_000


@pytest.mark.skipif(sys.platform != "linux", reason="the setting is one of the GNU C library")
def test_the_embedded_systems_worker_keeps_little_memory_for_each_thread(tmp_path: Path) -> None:
    system = System(tmp_path)
    environments: list[str] = []

    def worker_runs() -> bool:
        environments[:] = [
            Path(f"/proc/{pid}/environ").read_text()
            for pid in holders(system.data_dir)
            if b"worker.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        return bool(environments)

    try:
        system.start("starter.py", "demo")
        wait_until(worker_runs, "the worker of the demo")
    finally:
        system.stop()

    # The C library cuts the value at its colons when it reads it.
    [environment] = environments
    assert f"GLIBC_TUNABLES={FOR_MANY_THREADS}" in environment.replace("\0", ":")
