"""Fixtures that all tests share, and the end of a test run that is told to stop."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from cli.modes import Mode
from services import openings
from services.mock import Services, open_services
from tests.harness.backups import Backup
from tests.harness.opening import OpenShop, a_shop
from tests.harness.participants import Participant
from tests.harness.policies import ChangePolicies, changed_policies
from tests.harness.postgres import PostgresServer, postgres_server
from tests.harness.server import time_skipping_server
from tests.harness.steps import SERVICES
from tests.harness.system import System, a_system


def pytest_configure() -> None:
    """Have a test run that is told to end stop what it has started, as after Ctrl-C."""
    for sign in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(sign) is signal.SIG_DFL:  # under nohup, one of them is ignored
            signal.signal(sign, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take longest, so that the last one does not run alone."""
    items.sort(key=lambda item: "conformance" not in item.path.parts)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the properties that tests recorded, in whichever process they ran."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties if report.when == "call" else ():
                terminalreporter.write_sep("-", name)
                terminalreporter.write_line(str(value))


@pytest.fixture(scope="session")
async def env() -> AsyncIterator[WorkflowEnvironment]:
    """The development server with per-workflow time skipping, in memory."""
    with pytest.MonkeyPatch.context() as patch:
        # The services of a shop note that they are open when they are asked, not by themselves.
        patch.setattr(openings, "SEEN_WITHIN", 3_600.0)
        async with await time_skipping_server() as environment:
            yield environment


@pytest.fixture
def mode() -> Mode:
    """Return how a shop places its orders: orchestrated, unless a test says otherwise."""
    return Mode.ORCHESTRATION


@pytest.fixture
def fast_path() -> bool:
    """Return whether the worker takes the fast path: no, unless a test says otherwise."""
    return False


@pytest.fixture
def open_shop(env: WorkflowEnvironment, tmp_path: Path, mode: Mode, fast_path: bool) -> OpenShop:
    """Opens a shop: see :class:`OpenShop`."""
    return partial(a_shop, env, tmp_path / "data", mode=mode, fast_path=fast_path)


@pytest.fixture
def policies_with() -> Iterator[ChangePolicies]:
    """Changes the product's policies until the test is over."""
    with ExitStack() as changes:

        def change(**to: object) -> None:
            changes.enter_context(changed_policies(**to))  # type: ignore[arg-type]

        yield change


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL server for the whole run."""
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def new_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Returns the URL of a ledger that does not exist yet, once on SQLite, once on PostgreSQL."""
    if request.param == "sqlite":
        return lambda name: f"sqlite:///{tmp_path / 'ledgers' / name}.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.empty_database


@pytest.fixture
def ledgers(new_ledger: Callable[[str], str]) -> dict[str, str]:
    """URLs of four such ledgers."""
    return {name: new_ledger(name) for name in SERVICES}


@pytest.fixture
def back_up(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Backup]:
    """Makes a backup of a ledger, by its URL."""
    return lambda url: Backup(url, tmp_path / "backup", lambda: request.getfixturevalue("postgres"))


@pytest.fixture
def services(ledgers: dict[str, str]) -> Iterator[Services]:
    """The services, open on those ledgers."""
    with closing(open_services(ledgers)) as opened:
        yield opened


@pytest.fixture(params=SERVICES)
def participant(
    request: pytest.FixtureRequest, new_ledger: Callable[[str], str]
) -> Iterator[Participant]:
    """Each of the services in turn: among the others if the test asks for their ledgers, or alone.

    Most of the time that such a test takes is that of opening ledgers.
    """
    name: str = request.param
    if "ledgers" in request.fixturenames:
        services: Services = request.getfixturevalue("services")
        yield Participant(name, services, request.getfixturevalue("ledgers")[name])
        return
    own = {name: new_ledger(name)}
    with closing(open_services(own, only=(name,))) as alone:
        yield Participant(name, alone, own[name])


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


@pytest.fixture
def stopped_system(tmp_path: Path) -> Iterator[System]:
    """A system of which nothing runs yet."""
    system = System(tmp_path)
    yield system
    system.stop()


@pytest.fixture
def system_beside(tmp_path: Path, running_system: System) -> Iterator[System]:
    """The shared server, with ledgers of this test's own, and no worker on them yet."""
    beside = running_system.beside(tmp_path)
    yield beside
    beside.stop()


@pytest.fixture(scope="module")
def system(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    running_system: System,
) -> Iterator[System]:
    """The shared server, with a worker and ledgers for a test file, which plans its TROUBLE."""
    folder = tmp_path_factory.mktemp(request.module.__name__.rpartition(".")[2])
    beside = running_system.beside(folder)
    beside.start_worker_with(*request.module.TROUBLE)
    yield beside
    beside.stop()
