"""The disk of a data directory is full: it is said, and orders wait for space."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness.running import assert_fails_with_one_line
from tests.harness.system import System

ORDERS = 20


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """Nothing runs yet; the data directory is a disk of its own: 32 MB."""
    system = System(tmp_path)
    system.data_dir.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "none", str(system.data_dir)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root that may mount can have a small disk")
    try:
        yield system
        system.stop()
    finally:
        subprocess.run(["umount", "--lazy", str(system.data_dir)], check=True)


@contextmanager
def full(directory: Path, but: int = 0) -> Iterator[None]:
    """Leave no space on the directory's disk but for so many bytes."""
    filler = os.open(directory / "filler", os.O_WRONLY | os.O_CREAT)
    try:
        for more_tries in (True, True, True, True, False):
            free = os.statvfs(directory).f_bavail * os.statvfs(directory).f_bsize
            try:
                os.posix_fallocate(filler, 0, free - but)
                break
            except OSError:  # somebody has written meanwhile
                if not more_tries:
                    raise
        yield
    finally:
        os.close(filler)
        (directory / "filler").unlink()


@pytest.mark.parametrize("program", [("-m", "runtime"), ("starter.py", "demo", "--exit")])
def test_a_server_that_finds_the_disk_full_says_so(
    system: System, program: tuple[str, ...]
) -> None:
    with full(system.data_dir):
        assert_fails_with_one_line(system.ended(*program), "No space left on device")
    with full(system.data_dir, but=600_000):
        assert_fails_with_one_line(system.ended(*program), "the disk is full")


def test_orders_outlast_a_full_disk_of_server_and_ledgers_and_none_is_lost(
    system: System,
) -> None:
    system.start_server()
    worker = system.start_worker()
    many = ("--orders", str(ORDERS), "--prefix", f"full-{uuid.uuid4()}", "--concurrency", "4")
    simulation = system.start("starter.py", "simulate", *many)
    simulation.until_it_says(rf"{ORDERS // 10} of {ORDERS} orders")
    with full(system.data_dir):
        # Also when the server was full first, so that no activity meets a full ledger.
        worker.until_it_says("ledger cannot be written: .*database or disk is full")
        assert simulation.process.poll() is None, simulation.output()
    assert simulation.exit_code() == 0, simulation.output()
    assert worker.process.poll() is None, worker.output()
    assert "Traceback" not in worker.output()
    system.assert_audit_is_clean()
    assert system.starter_json("audit")["succeeded"] == ORDERS
