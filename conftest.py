"""Server that the workflow tests share: a real server with time skipping."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.harness.server import time_skipping_server


@pytest.fixture(scope="session")
async def env() -> AsyncIterator[WorkflowEnvironment]:
    """Start the development server, in memory, with time skipping for each workflow."""
    async with await time_skipping_server() as environment:
        yield environment


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the properties that tests recorded, in whichever process they ran."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties if report.when == "call" else ():
                terminalreporter.write_sep("-", name)
                terminalreporter.write_line(str(value))
