"""Complete system on this machine: the embedded server and worker processes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio.client import Client

from cli.web_ui import WebUI
from runtime.devserver import DevServer
from runtime.memory import FOR_MANY_THREADS
from runtime.processes import ChildProcess, ProcessFailed
from runtime.programs import ROOT
from settings import Settings

_WORKER_READY_WITHIN = 60.0


class LocalSystem:
    """Embedded server that runs, and the workers that are started for it.

    Args:
        report: receives one line when the server or a worker died and was replaced.
    """

    def __init__(
        self,
        server: DevServer,
        client: Client,
        settings: Settings,
        report: Callable[[str], None],
    ) -> None:
        self.server = server
        self.client = client
        self.settings = settings
        self._report = report

    @asynccontextmanager
    async def worker(self, faults: Path | None) -> AsyncIterator[ChildProcess]:
        """Run a worker whose services follow the fault plan; stop it when the context ends.

        Raises:
            ProcessFailed: it does not start.
        """
        environment = self.server.environment
        # The worker must use our ledgers, whether or not the environment names their directory.
        environment["ORDER_SAGA_DATA_DIR"] = str(self.settings.data_dir.resolve())
        environment.setdefault("GLIBC_TUNABLES", FOR_MANY_THREADS)
        if faults is not None:
            environment["ORDER_SAGA_FAULTS"] = str(faults)

        async def ready() -> None:
            try:
                await asyncio.wait_for(_polls(process), _WORKER_READY_WITHIN)
            except asyncio.TimeoutError:
                raise ProcessFailed(f"the worker does not start: {process.last_words()}") from None

        process = ChildProcess(
            "the worker",
            [sys.executable, ROOT / "worker.py"],
            log=self.settings.data_dir / "worker.log",
            lock=self.server.lock,
            environment=environment,
            ready=ready,
            report=self._report,
        )
        async with process:
            yield process

    def link(self, workflow_id: str, run_id: str) -> str:
        """Return the address of a run in the Web UI."""
        return WebUI(self.server.ui_url, self.client.namespace).link(workflow_id, run_id)


@asynccontextmanager
async def local_system(
    settings: Settings, port: int | None, ui_port: int | None, report: Callable[[str], None]
) -> AsyncIterator[LocalSystem]:
    """Run the embedded server; stop it when the context ends.

    Raises:
        DirectoryUnusable: another system runs on the same data directory.
        ServerFailed: a port is taken, or the server does not start.
    """
    async with DevServer(settings.data_dir, port=port, ui_port=ui_port, report=report) as server:
        yield LocalSystem(server, await server.client(settings.keys()), settings, report)


async def _polls(process: ChildProcess) -> None:
    while True:
        if "polling task queue" in process.output():
            return
        await asyncio.sleep(0.02)
