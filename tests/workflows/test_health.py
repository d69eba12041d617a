"""The health of a worker: it is ready while it polls and its ledgers answer, and not otherwise."""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
from contextlib import closing
from http.client import HTTPConnection

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkerDeploymentConfig

from messages.participants import SERVICES
from runtime.exits import FatalError
from runtime.free_ports import HOST, any_free
from runtime.health import Check, NotReady, Readiness, health_served, polling_check, worker_checks
from runtime.shared_keys import worker_identity
from services.mock import open_services
from tests.harness.builders import an_id
from tests.harness.children import ended
from tests.harness.postgres import PostgresServer
from tests.harness.waiting import until
from workflows.orchestration.order_saga import OrderSaga

Version = WorkerDeploymentVersion | None


@activity.defn
async def nothing() -> None:
    """Do nothing; without an activity, a worker does not poll for any."""


def a_worker(client: Client, queue: str, identity: str, version: Version = None) -> Worker:
    pinned = VersioningBehavior.PINNED
    return Worker(
        client,
        task_queue=queue,
        workflows=[OrderSaga],
        activities=[nothing],
        workflow_runner=UnsandboxedWorkflowRunner(),
        identity=identity,
        deployment_config=WorkerDeploymentConfig(version, True, pinned) if version else None,
    )


async def passes(check: Check) -> bool:
    try:
        await check()
    except NotReady:
        return False
    return True


@pytest.mark.parametrize("versioned", [False, True], ids=["unversioned", "versioned"])
async def test_a_worker_polls_only_if_temporal_has_seen_it(
    env: WorkflowEnvironment, versioned: bool
) -> None:
    queue = an_id("queue")
    version = WorkerDeploymentVersion(queue, "v1") if versioned else None
    this, other = (
        polling_check(env.client, identity, queue, workflows=True) for identity in ("this", "other")
    )
    assert not await passes(this)
    async with a_worker(env.client, queue, "other", version):
        await until(lambda: passes(other))
        with pytest.raises(NotReady, match="does not poll for activities and workflow tasks"):
            await this()
        async with a_worker(await a_client_like(env.client), queue, "this", version):
            await until(lambda: passes(this))


async def a_client_like(client: Client) -> Client:
    """Two workers of one client must not poll the same queue."""
    return await Client.connect(client.service_client.config.target_host)


async def missing(port: int) -> dict[str, str]:
    """Ask whether the worker is ready, as somebody outside does, and return what is missing."""
    status, told = await asked(port, "/ready")
    found = told["missing"]
    assert isinstance(found, dict)
    assert told["ready"] is not bool(found)
    assert status == (503 if found else 200)
    return found


async def asked(port: int, path: str) -> tuple[int, dict[str, object]]:
    def answer() -> tuple[int, dict[str, object]]:
        connection = HTTPConnection(HOST, port, timeout=10)
        connection.request("GET", path)
        given = connection.getresponse()
        return given.status, json.loads(given.read())

    return await asyncio.to_thread(answer)


async def checked(port: int) -> subprocess.CompletedProcess[str]:
    """Run what a container's health check runs."""
    command = ("-m", "runtime.healthcheck", f"http://{HOST}:{port}/ready")
    return await asyncio.to_thread(lambda: ended(*command))


async def test_a_worker_is_ready_until_a_ledger_is_gone_or_it_stops(
    env: WorkflowEnvironment, postgres: PostgresServer
) -> None:
    urls = {service: postgres.empty_database(f"health_{service}") for service in SERVICES}
    queue, stop, port = an_id("queue"), asyncio.Event(), any_free()
    with closing(open_services(urls)) as services:
        checks = worker_checks(env.client, stop, [queue], queue, services.checks())
        async with health_served(f"{HOST}:{port}", checks):
            assert list(await missing(port)) == [f"task queue {queue}"]
            assert await asked(port, "/live") == (200, {"live": True})
            refused = await checked(port)
            assert refused.returncode == 1
            assert f"task queue {queue}" in refused.stderr

            async with a_worker(env.client, queue, worker_identity(env.client)):

                async def ready() -> bool:
                    return not await missing(port)

                await until(ready)
                assert (await checked(port)).returncode == 0

                with postgres.connect() as connection:
                    connection.execute("DROP DATABASE health_payment WITH (FORCE)")
                found = await missing(port)
                assert list(found) == ["payment ledger"]
                assert "does not exist" in found["payment ledger"]

                stop.set()
                assert (await missing(port))["worker"] == "it is stopping"
                # Whoever restarts what does not live must let it finish.
                assert await asked(port, "/live") == (200, {"live": True})
    assert (await checked(port)).returncode == 1


async def test_a_check_that_hangs_is_told_of_and_not_begun_again() -> None:
    begun, released = [], threading.Event()

    async def hangs() -> None:
        begun.append(1)
        await asyncio.to_thread(released.wait)

    async def is_fine() -> None:
        pass

    readiness = Readiness({"slow": hangs, "fine": is_fine}, answer_within=0.05)
    try:
        for _ in range(2):
            assert await readiness.missing() == {"slow": "no answer within 0.05 s"}
        assert len(begun) == 1
    finally:
        released.set()

    async def answered() -> bool:
        return await readiness.missing() == {}

    await until(answered)


async def test_an_address_in_use_is_one_clear_error() -> None:
    port = any_free()
    async with health_served(f"{HOST}:{port}", {}):
        with pytest.raises(FatalError, match=f"cannot listen on {HOST}:{port}: Address already"):
            async with health_served(f"{HOST}:{port}", {}):
                pass


def test_a_health_check_needs_to_know_where_to_ask() -> None:
    assert ended("-m", "runtime.healthcheck", env={}).returncode == 2
