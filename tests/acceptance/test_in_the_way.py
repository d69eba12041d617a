"""Obstacles to a server: busy ports, and data directories that cannot be used."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.harness.running import assert_fails_with_one_line
from tests.harness.system import System

DEMO = ("starter.py", "demo", "--exit", "--orders", "1")
SERVER = ("-m", "runtime")


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("command", [DEMO, SERVER], ids=["demo", "server"])
@pytest.mark.parametrize("option", ["--port", "--ui-port"])
def test_a_busy_port_that_was_asked_for_is_an_error_that_names_the_option(
    stopped_system: System, busy_port: int, command: tuple[str, ...], option: str
) -> None:
    done = stopped_system.ended(*command, option, str(busy_port))
    assert_fails_with_one_line(done, f"port {busy_port} is in use", f"with {option}")


def test_when_the_usual_ports_are_busy_others_are_taken_and_said(stopped_system: System) -> None:
    for _ in range(5):
        with ExitStack() as busy:
            for port in (7233, 8233):
                with suppress(OSError):  # somebody else has it: as good, as long as they keep it
                    busy.enter_context(socket.create_server(("127.0.0.1", port)))
            server = stopped_system.start(*SERVER)
            address = server.until_it_says(r"Temporal server at \S+:(\d+), Web UI \S+:(\d+);")
        server.stop()
        if address[1] != "7233":
            break
    said = f"port 7233 is in use, so the server uses {address[1]} (--port chooses another)\n"
    assert said in server.output()
    assert f"export TEMPORAL_ADDRESS=127.0.0.1:{address[1]}" in server.output()
    assert address[2] != "8233"


def test_two_demos_at_once_do_not_share_a_data_directory(stopped_system: System) -> None:
    no_faults = stopped_system.folder / "no_faults.toml"
    no_faults.touch()
    first = stopped_system.start(
        "starter.py", "demo", "--orders", "1", ORDER_SAGA_FAULTS=str(no_faults)
    )
    first.until_it_says("Temporal server  ")
    second = stopped_system.ended(*DEMO)
    assert_fails_with_one_line(second, "another instance uses", str(first.process.pid))
    first.until_it_says("Ctrl-C stops")
    first.send(signal.SIGTERM)
    assert first.exit_code() == 0, first.output()


@pytest.mark.parametrize("command", [DEMO, SERVER], ids=["demo", "server"])
def test_a_file_in_the_place_of_the_data_directory_is_said(
    stopped_system: System, command: tuple[str, ...]
) -> None:
    stopped_system.data_dir.write_text("not a directory")
    assert_fails_with_one_line(
        stopped_system.ended(*command), str(stopped_system.data_dir), "File exists"
    )


@pytest.mark.parametrize("command", [DEMO, SERVER], ids=["demo", "server"])
def test_a_data_directory_that_cannot_be_written_is_said(
    stopped_system: System, command: tuple[str, ...]
) -> None:
    with unwritable(stopped_system.data_dir):
        done = stopped_system.ended(*command)
    assert_fails_with_one_line(done, "cannot use the data directory")


@contextmanager
def unwritable(directory: Path) -> Iterator[None]:
    """Make a directory that nobody can write to: by permission; for root by a read-only mount."""
    directory.mkdir()
    directory.chmod(0o500)
    mounted = os.getuid() == 0 and _succeeds("mount", "-t", "tmpfs", "-o", "ro", "none", directory)
    if os.getuid() == 0 and not mounted:
        # Root that may not mount, as in a container, is kept out of /proc all the same.
        directory.rmdir()
        directory.symlink_to("/proc/1")
    try:
        yield
    finally:
        if mounted:
            _succeeds("umount", directory)


def _succeeds(*command: str | Path) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
