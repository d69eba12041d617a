"""A data directory serves one at a time, and says so."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.directory_lock import DirectoryLock, DirectoryUnusable


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[DirectoryLock]:
    lock = DirectoryLock(tmp_path)
    yield lock
    lock.release()


def test_a_directory_serves_one_at_a_time(lock: DirectoryLock, tmp_path: Path) -> None:
    with pytest.raises(DirectoryUnusable, match=f"stop it first .kill {os.getpid()}"):
        DirectoryLock(tmp_path)


def test_on_a_full_disk_a_lock_still_holds_and_names_whom_it_named(
    lock: DirectoryLock, tmp_path: Path
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # What a write meets is not "no space left", but for a writer that makes no difference.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        lock.record(1)
        lock.forget(1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with pytest.raises(DirectoryUnusable, match=rf"\(kill {os.getpid()}\)"):
        DirectoryLock(tmp_path)


def test_a_directory_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DirectoryUnusable, match="cannot use the data directory"):
        DirectoryLock(tmp_path / "file" / "data")
