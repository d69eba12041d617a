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


@pytest.fixture(scope="module")
def system(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    running_system: System,
) -> Iterator[System]:
    """The shared server, with a worker and ledgers for a test file, which plans its TROUBLE."""
    folder = tmp_path_factory.mktemp(request.module.__name__.rpartition(".")[2])
    (folder / "trouble.toml").write_text(request.module.TROUBLE)
    beside = running_system.beside(folder)
    beside.start_worker(faults=str(folder / "trouble.toml"))
    yield beside
    beside.stop()
