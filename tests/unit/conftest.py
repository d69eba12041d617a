"""The four services on fresh ledgers, once on SQLite and once on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from services.mock import Services, open_services
from tests.harness.postgres import PostgresServer, postgres_server
from tests.unit.participants import SERVICES, Participant


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL server for the whole run."""
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def ledgers(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """URLs of four ledgers that do not exist yet."""
    if request.param == "sqlite":
        return {name: f"sqlite:///{tmp_path / 'ledgers' / name}.db" for name in SERVICES}
    server: PostgresServer = request.getfixturevalue("postgres")
    return {name: server.empty_database(name) for name in SERVICES}


@pytest.fixture
def services(ledgers: dict[str, str]) -> Iterator[Services]:
    """The services, open on those ledgers."""
    with closing(open_services(ledgers)) as opened:
        yield opened


@pytest.fixture(params=SERVICES)
def participant(
    request: pytest.FixtureRequest, services: Services, ledgers: dict[str, str]
) -> Participant:
    """Each of the services in turn."""
    return Participant(request.param, services, ledgers[request.param])
