"""The system as its users start it: processes, commands, signals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from services.faults import Fault
from tests.harness.builders import seed_order_json
from tests.harness.children import kill_holders
from tests.harness.faults import as_toml
from tests.harness.running import Completed, Running, ended
from tests.harness.terminal import InTerminal
from tests.harness.waiting import PATIENCE, wait_until

TEMPORAL = Path(sys.executable).with_name("temporal")


class System:
    """A Temporal server of its own, and the product's commands against it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("TEMPORAL_", "ORDER_"))},
            "ORDER_SAGA_DATA_DIR": str(self.data_dir),
            "ORDER_SAGA_TASK_QUEUE": folder.name,
            # It would mend, at some moment or other, what a test has broken on purpose.
            "ORDER_SAGA_RECONCILE_EVERY_SECONDS": "0",
        }
        self._beside: list[System] = []
        self._running: list[Running] = []

    @property
    def address(self) -> str:
        """Of the Temporal server."""
        return self.env["TEMPORAL_ADDRESS"]

    @property
    def task_queue(self) -> str:
        """That its workers poll."""
        return self.env["ORDER_SAGA_TASK_QUEUE"]

    def beside(self, folder: Path) -> System:
        """Another system on the same server: its own workers, ledgers and task queue."""
        other = System(folder)
        other.env["TEMPORAL_ADDRESS"] = self.address
        self._beside.append(other)
        return other

    def start_server(self) -> Running:
        """Start the embedded server, on whatever ports are free."""
        server = self.start("-m", "runtime")
        self.env["TEMPORAL_ADDRESS"] = server.until_it_says(r"Temporal server at ([\w.:]+),")[1]
        return server

    def start_worker(self, **settings: str) -> Running:
        """Start a worker that polls; settings as ``ORDER_SAGA_…`` without the prefix."""
        worker = self.start(
            "worker.py", **{f"ORDER_SAGA_{name.upper()}": value for name, value in settings.items()}
        )
        worker.until_it_says("polling task queue")
        return worker

    def start_worker_with(self, *faults: Fault, **settings: str) -> Running:
        """Start a worker whose services follow a fault plan."""
        plan = self.folder / f"{len(self._running)}-faults.toml"
        plan.write_text(as_toml(*faults))
        return self.start_worker(faults=str(plan), **settings)

    def ended(self, *command: str, **env: str) -> Completed:
        """Run a program to its end, and return its output as one text."""
        running = self.start(*command, **env)
        code = running.exit_code()
        return subprocess.CompletedProcess(command, code, running.output(), "")

    def start(self, *arguments: str, **env: str) -> Running:
        """Start a Python program of the product in the background."""
        running = Running(
            list(arguments),
            {**self.env, **env},
            self.folder / f"{len(self._running)}-{Path(arguments[0]).stem}.log",
        )
        self._running.append(running)
        return running

    def start_in_terminal(self, *arguments: str) -> InTerminal:
        """Start ``python starter.py …`` for somebody who looks at it."""
        command = [sys.executable, "starter.py", *arguments]
        log = self.folder / f"{len(self._running)}-terminal.log"
        running = InTerminal(command, self.env, log)
        self._running.append(running)
        return running

    def starter(self, *arguments: str, stdin: str | None = None, **env: str) -> Completed:
        """``python starter.py …`` to its end."""
        return ended(["starter.py", *arguments], {**self.env, **env}, stdin)

    def starter_json(self, *arguments: str, stdin: str | None = None) -> dict[str, object]:
        """Return the JSON document that a command prints."""
        document = json.loads(self.starter(*arguments, "--json", stdin=stdin).stdout)
        assert isinstance(document, dict)
        return document

    def order(self, order_id: str, *options: str) -> Completed:
        """Place the order of the README, under another id, and see what is said."""
        return self.starter("order", "-", *options, stdin=seed_order_json(order_id))

    def end_run(self, how: Literal["terminate", "delete"], workflow_id: str) -> None:
        """Terminate or delete a run past the product, and wait until Temporal says so."""
        words = ("--reason", "test") if how == "terminate" else ("--yes",)
        ended = self.temporal("workflow", how, "--workflow-id", workflow_id, *words)
        assert ended.returncode == 0, ended.stderr
        running = f'WorkflowId = "{workflow_id}" AND ExecutionStatus = "Running"'
        wait_until(lambda: not self.count(running), f"the end of {workflow_id}")
        if how == "delete":
            describe = ("workflow", "describe", "--workflow-id", workflow_id)
            wait_until(
                lambda: self.temporal(*describe).returncode != 0, f"{workflow_id} to be forgotten"
            )

    def temporal(self, *arguments: str) -> Completed:
        """Temporal's own command line, as an outsider would use it."""
        return subprocess.run(
            [TEMPORAL, *arguments, "--address", self.address],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def temporal_json(self, *arguments: str) -> dict[str, object]:
        """Return the JSON document that Temporal's command line prints."""
        document = json.loads(self.temporal(*arguments, "--output", "json").stdout)
        assert isinstance(document, dict)
        return document

    def count(self, query: str) -> int:
        """Count the runs that match."""
        answer = self.temporal("workflow", "count", "--query", query).stdout
        return int("".join(filter(str.isdigit, answer)) or 0)

    def server_pid(self) -> int:
        """Of the Temporal server itself, as the lock on the data directory names it.

        Waits for one that is just being started again.
        """
        found: list[int] = []

        def named() -> bool:
            pids = (self.data_dir / "lock").read_text().split()
            found[:] = [int(pid) for pid in pids if "start-dev" in _command_of(pid)]
            return bool(found)

        wait_until(named, "a Temporal server")
        return found[0]

    def until_server_answers(self) -> None:
        """Wait for a Temporal server that is just being started again."""
        health = ("operator", "cluster", "health")
        wait_until(lambda: self.temporal(*health).returncode == 0, "a server that answers")

    def assert_audit_is_clean(self) -> None:
        audit = self.starter("audit")
        assert audit.returncode == 0, audit.stdout + audit.stderr

    def stop(self) -> None:
        """End everything, workers before their server."""
        for system in self._beside:
            system.stop()
        for running in reversed(self._running):
            running.stop()
        # What they had started themselves, and could not stop because they were killed.
        kill_holders(self.data_dir)


def _command_of(pid: str) -> str:
    ps = ["ps", "-o", "command=", "-p", pid]
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout


@contextmanager
def a_system(folder: Path) -> Iterator[System]:
    """Open a system with a server, and nothing else yet."""
    system = System(folder)
    try:
        system.start_server()
        yield system
    finally:
        system.stop()
