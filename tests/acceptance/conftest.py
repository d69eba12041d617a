"""Systems under test: one that all tests of a process share, and fresh ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.system import System, a_system


@pytest.fixture(scope="session")
def running_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Server and worker, with no trouble planned; leave them running."""
    with a_system(tmp_path_factory.mktemp("system")) as system:
        system.start_worker()
        yield system


@pytest.fixture
def fresh_system(tmp_path: Path) -> Iterator[System]:
    """A server of this test's own, without a worker."""
    with a_system(tmp_path) as system:
        yield system
