"""Carries every check out on every contender, and shows who failed what."""

from __future__ import annotations

import asyncio
import io
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

from rich.console import Console
from rich.table import Table
from temporalio.client import WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from services.audit import audit
from services.faults import FaultPlan
from services.mock import open_services
from settings import Settings
from tests.gates import Gates
from tests.scoreboard.checks import CHECKS
from tests.scoreboard.checks.check import Check
from tests.scoreboard.contenders import CONTENDERS, Contender
from tests.scoreboard.run import Caught
from tests.scoreboard.textbook.services import without_tombstones
from tests.scoreboard.trial import Lab, Trial

_T = TypeVar("_T")

#: What each check saw of its bug in each contender, by names; None where there is none.
Results = Mapping[str, Mapping[str, str | None]]


class Scoreboard(NamedTuple):
    """What came of it."""

    results: Results
    #: What the audit finds in the ledgers of ours after all checks.
    violations: tuple[str, ...]


#: Columns that the table needs.
WIDTH = 120
#: Real seconds that a check may take.
_BOUND = 120.0


class _Column(NamedTuple):
    seen: list[str | None]
    violations: list[str]


async def play(env: WorkflowEnvironment, folder: Path) -> Scoreboard:
    """Carry all checks out at once.

    Raises:
        Exception: a check could not be carried out, which says nothing about the contender.
    """
    starting = asyncio.Lock()
    columns = await _all(_column(env, contender, folder, starting) for contender in CONTENDERS)
    names = [contender.name for contender in CONTENDERS]
    results = {
        check.bug: dict(zip(names, (column.seen[row] for column in columns), strict=True))
        for row, check in enumerate(CHECKS)
    }
    ours = zip(CONTENDERS, columns, strict=True)
    return Scoreboard(
        results, tuple(v for one, column in ours if one.ours for v in column.violations)
    )


async def _all(running: Iterable[Coroutine[None, None, _T]]) -> list[_T]:
    """What they return; nothing runs on when one of them raises."""
    ended = await asyncio.gather(*running, return_exceptions=True)
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    return [one for one in ended if not isinstance(one, BaseException)]


async def _column(
    env: WorkflowEnvironment, contender: Contender, folder: Path, starting: asyncio.Lock
) -> _Column:
    async with _lab(env, contender, folder, starting) as lab:
        seen = await _all(_carried_out(check, lab) for check in CHECKS)
        facts = dict([await run.fact() for run in lab.placed])
        report = audit(lab.settings.ledger_urls(), facts)
    return _Column(seen, [str(violation) for violation in report.violations])


async def _carried_out(check: Check, lab: Lab) -> str | None:
    trial = Trial(lab, f"{uuid.uuid4().hex[:8]}.{check.slug}")
    try:
        await asyncio.wait_for(check.schedule(trial), _BOUND)
    except Caught as caught:
        return str(caught)
    except asyncio.TimeoutError:
        return "hangs"
    except Exception as error:
        raise RuntimeError(f"{check.bug}, on {lab.contender.name}: {error!r}") from error
    return None


@asynccontextmanager
async def _lab(
    env: WorkflowEnvironment, contender: Contender, folder: Path, starting: asyncio.Lock
) -> AsyncIterator[Lab]:
    rules = [rule for check in CHECKS for rule in check.rules()]
    plan = FaultPlan.model_validate({"seed": 1, "fault": rules})
    settings = Settings(
        data_dir=folder / contender.prefix, task_queue=f"{contender.prefix}-{uuid.uuid4()}"
    )
    with closing(open_services(settings.ledger_urls(), plan)) as opened:
        services = opened if contender.ours else without_tombstones(opened)
        config = contender.config(env.client, services, settings)
        gates = Gates()
        lab = Lab(env, contender, settings, services, gates, starting, [])
        config["interceptors"] = [*config.get("interceptors", ()), gates]
        config["graceful_shutdown_timeout"] = timedelta(0)
        async with Worker(**config):
            try:
                yield lab
            finally:
                gates.open_all()
                await _leave_nothing_running(lab)


async def _leave_nothing_running(lab: Lab) -> None:
    for run in lab.placed:
        if await run.status() is WorkflowExecutionStatus.RUNNING:
            await run.handle.terminate("the check is over")


def fails(board: Scoreboard) -> list[str]:
    """What must not be: ours has a bug, a check finds none anywhere, or the audit is not clean."""
    found = list(board.violations)
    for bug, seen in board.results.items():
        found += [f"{c.name}: {bug}: {seen[c.name]}" for c in CONTENDERS if c.ours and seen[c.name]]
        if not any(seen[c.name] for c in CONTENDERS if not c.ours):
            found.append(f"no variant fails it, so it is no check: {bug}")
    return found


def show(board: Scoreboard, console: Console) -> None:
    """Print which contender failed which check, and what was seen of the bug."""
    picture = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    picture.add_column("classic bug", no_wrap=True)
    for contender in CONTENDERS:
        picture.add_column(contender.name, no_wrap=True)
    for bug, seen in board.results.items():
        picture.add_row(bug, *(_cell(seen[contender.name]) for contender in CONTENDERS))
    passed = [
        sum(seen[contender.name] is None for seen in board.results.values())
        for contender in CONTENDERS
    ]
    picture.add_row("passed", *(f"{n} of {len(CHECKS)}" for n in passed), style="bold")
    console.print(picture)
    for violation in board.violations:
        console.print(f"the audit of ours: {violation}", style="red", markup=False, soft_wrap=True)


def as_text(board: Scoreboard) -> str:
    """The same as plain lines."""
    console = Console(file=io.StringIO(), width=WIDTH)
    with console.capture() as captured:
        show(board, console)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _cell(seen: str | None) -> str:
    return "[green]✔[/]" if seen is None else f"[red]✘[/] {seen}"
