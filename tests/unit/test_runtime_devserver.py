"""The embedded server: keeps its state, survives a kill, and says why it does not start."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

import runtime.devserver
from messages.wire import SAGA_STATUS
from runtime.client import connect
from runtime.devserver import DevServer
from runtime.directory_lock import DirectoryLock, DirectoryUnusable
from runtime.temporal_program import ServerFailed, find_binary
from tests.harness.children import heed_signals, is_alive, kill_holders

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def server_in(data_dir: Path, report: Callable[[str], None] = lambda _line: None) -> DevServer:
    return DevServer(data_dir, port=free_port(), ui_port=free_port(), report=report)


async def start_an_order(client: Client) -> str:
    """Start a run that stays open, since no worker is there."""
    run = await client.start_workflow("Nothing", id=str(uuid4()), task_queue="nobody")
    return run.id


async def is_open(client: Client, workflow_id: str) -> bool:
    described = await client.get_workflow_handle(workflow_id).describe()
    return described.status is WorkflowExecutionStatus.RUNNING


async def test_it_serves_with_our_search_attribute_and_keeps_its_state_over_a_restart(
    tmp_path: Path,
) -> None:
    async with server_in(tmp_path) as server:
        client = await server.client()
        assert (await client.count_workflows(f"{SAGA_STATUS} = 'FAILED'")).count == 0
        placed = await start_an_order(client)
        address = server.address

        await server.restart()

        assert server.address == address
        assert await is_open(await server.client(), placed)

    async with server_in(tmp_path) as again:
        assert await is_open(await again.client(), placed)


async def test_killed_it_comes_back_with_its_state_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    async with server_in(tmp_path, said.append) as server:
        client = await server.client()
        placed = await start_an_order(client)
        killed = server.process.pid
        assert killed is not None

        os.kill(killed, signal.SIGKILL)

        # The client's own retries reach the new server on the old address.
        assert await asyncio.wait_for(is_open(client, placed), 30)
        assert server.process.pid != killed
    assert said == ["the Temporal server died (killed by SIGKILL); starting another one"]


async def test_a_busy_port_that_was_asked_for_is_an_error_that_names_the_option(
    tmp_path: Path, busy_port: int
) -> None:
    with pytest.raises(ServerFailed, match=f"port {busy_port} is in use; .* with --port"):
        async with DevServer(tmp_path, port=busy_port, ui_port=free_port()):
            pass
    with pytest.raises(ServerFailed, match=f"port {busy_port} is in use; .* with --ui-port"):
        async with DevServer(tmp_path, port=free_port(), ui_port=busy_port):
            pass


async def test_when_the_usual_port_is_busy_another_one_is_taken_and_said(
    tmp_path: Path, busy_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime.devserver, "DEFAULT_PORT", busy_port)
    said: list[str] = []

    async with DevServer(tmp_path, ui_port=free_port(), report=said.append) as server:
        assert server.port != busy_port
        await server.client()

    assert said == [
        f"port {busy_port} is in use, so the server uses {server.port} (--port chooses another)"
    ]


async def test_somebody_elses_answer_at_the_port_is_not_taken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with server_in(tmp_path / "first") as first:
        # Both saw the port free, and the other one was quicker.
        monkeypatch.setattr(runtime.devserver, "is_free", lambda _port: True)
        with pytest.raises(ServerFailed, match="address already in use"):
            async with DevServer(tmp_path / "second", port=first.port, ui_port=free_port()):
                pass


async def test_a_damaged_database_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "temporal.db").write_bytes(b"no database" * 1000)

    with pytest.raises(ServerFailed, match=r"temporal\.db is damaged; move it away") as failed:
        async with server_in(tmp_path):
            pass

    assert "\n" not in str(failed.value)
    DirectoryLock(tmp_path).release()


async def test_two_servers_never_share_a_data_directory(tmp_path: Path) -> None:
    async with server_in(tmp_path) as server:
        with pytest.raises(DirectoryUnusable, match=f"{server.process.pid}"):
            async with server_in(tmp_path):
                pass


async def test_its_environment_reaches_it_whatever_the_user_has_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_API_KEY", "for another server")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "elsewhere")
    async with server_in(tmp_path) as server:
        given = server.environment
        for name in os.environ.keys() - given.keys():
            monkeypatch.delenv(name)
        for name, value in given.items():
            monkeypatch.setenv(name, value)

        client = await connect()

        assert client.service_client.config.target_host == server.address


async def test_without_the_wheels_program_the_one_on_the_path_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "temporal"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "elsewhere" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))

    assert await find_binary(tmp_path) == program


@pytest.fixture
def foreground(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """``python -m runtime``, serving."""
    ports = ["--port", str(free_port()), "--ui-port", str(free_port())]
    with subprocess.Popen(
        [sys.executable, "-m", "runtime", "--data-dir", tmp_path, *ports],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, preexec_fn=heed_signals,
    ) as program:  # fmt: skip
        try:
            assert program.stdout is not None
            assert "Temporal server at" in program.stdout.readline()
            yield program
        finally:
            program.kill()
            kill_holders(tmp_path)


def server_of(data_dir: Path, owner: int) -> int:
    [server] = {int(pid) for pid in (data_dir / "lock").read_text().split()} - {owner}
    return server


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_in_the_foreground_a_signal_stops_it_and_leaves_nothing_behind(
    tmp_path: Path, foreground: subprocess.Popen[str], sign: signal.Signals
) -> None:
    server = server_of(tmp_path, foreground.pid)

    foreground.send_signal(sign)

    said, _ = foreground.communicate(timeout=30)
    assert (foreground.returncode, said) == (0, "stopping the Temporal server\n")
    assert not is_alive(server)


async def test_a_server_whose_parent_was_killed_keeps_the_directory_until_it_is_stopped(
    tmp_path: Path, foreground: subprocess.Popen[str]
) -> None:
    orphan = server_of(tmp_path, foreground.pid)
    foreground.kill()
    foreground.communicate(timeout=30)

    with pytest.raises(DirectoryUnusable, match=rf"stop it first \(kill {orphan}\)"):
        async with server_in(tmp_path):
            pass

    os.kill(orphan, signal.SIGTERM)
    await asyncio.wait_for(released(tmp_path), 20)
    async with server_in(tmp_path) as server:
        await server.client()


async def released(data_dir: Path) -> None:
    """Return when nobody holds the data directory."""
    while True:
        try:
            DirectoryLock(data_dir).release()
            return
        except DirectoryUnusable:
            await asyncio.sleep(0.01)
