"""The topology of docker-compose.yml as processes, on this machine instead of the file's hosts.

The workers, their environment, command and health check are read from the file. The embedded server
is Temporal, and the tests' PostgreSQL has the databases of docker/ledgers.sql.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from runtime.free_ports import HOST, any_free
from tests.harness.children import ROOT
from tests.harness.compose import composed
from tests.harness.postgres import PostgresServer, postgres_server
from tests.harness.running import Running
from tests.harness.system import System
from tests.harness.waiting import wait_until

ORDERS = "8"


@pytest.fixture
def databases() -> Iterator[PostgresServer]:
    """PostgreSQL as the image sets it up: the user of the file, and docker/ledgers.sql."""
    with postgres_server() as server:
        with server.connect() as connection:
            connection.execute("CREATE ROLE saga LOGIN SUPERUSER")
            script = re.sub(r"--.*", "", (ROOT / "docker" / "ledgers.sql").read_text())
            for statement in filter(str.strip, script.split(";")):
                connection.execute(statement.encode())
        yield server


def on_this_machine(
    project: dict[str, Any], folder: Path, temporal: str, postgres: PostgresServer
) -> dict[str, str]:
    """Return the environment of the file's workers, with this machine for its hosts."""
    with postgres.connect() as connection:
        socket = connection.info.host
    variables = dict(line.split("=", 1) for line in (folder / ".env").read_text().splitlines())
    environment: dict[str, str] = project["services"]["worker"]["environment"]
    for name, secret in project["secrets"].items():
        (folder / name).write_text(variables[secret["environment"]])
    return {
        name: re.sub(r"@postgres/(\w+)\?", rf"@/\1?host={socket}&", value)
        .replace("temporal:7233", temporal)
        .replace("/run/secrets", str(folder))
        for name, value in environment.items()
    }


def command(words: list[str]) -> tuple[str, ...]:
    """Return the arguments of a command of the image, whose program is this Python."""
    assert words[0] == "python"
    return tuple(words[1:])


def is_healthy(system: System, ask: tuple[str, ...], environment: dict[str, str]) -> bool:
    return system.ended(*ask, **environment).returncode == 0


def test_the_composed_system_loses_nothing_when_a_worker_is_killed(
    system_beside: System, databases: PostgresServer, tmp_path: Path
) -> None:
    system, project = system_beside, composed(tmp_path)
    described = project["services"]["worker"]
    system.env.update(on_this_machine(project, tmp_path, system.address, databases))
    [start] = re.findall(
        r"^CMD \[(.*)\]$", (ROOT / "docker" / "Dockerfile").read_text(), re.MULTILINE
    )
    ask = command(described["healthcheck"]["test"][1:])

    workers: list[tuple[Running, dict[str, str]]] = []
    for _ in range(described["deploy"]["replicas"]):
        # Each container has an address of its own.
        own = {
            f"ORDER_SAGA_{what}_ADDRESS": f"{HOST}:{any_free()}" for what in ("HEALTH", "METRICS")
        }
        workers.append((system.start(*command(re.findall(r'"(.*?)"', start)), **own), own))
    for worker, own in workers:
        worker.until_it_says("polling task queue")
        wait_until(partial(is_healthy, system, ask, own), "a ready worker")
    assert len(workers) == 2

    days = [
        system.start("starter.py", "simulate", "--orders", ORDERS, "--mode", mode)
        for mode in ("orchestration", "choreography")
    ]
    (killed, its_own), (other, _) = workers
    with databases.connect("payment") as ledger:
        wait_until(
            lambda: ledger.execute("SELECT FROM fence LIMIT 1").rowcount, "the first payment"
        )
    killed.send(signal.SIGKILL)
    assert killed.exit_code() == -signal.SIGKILL
    assert not is_healthy(system, ask, its_own)

    for day in days:
        assert day.exit_code() == 0, day.output()
    system.assert_audit_is_clean()
    other.stop()
