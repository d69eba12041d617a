"""Scoreboard: the result of every check on every contender."""

from __future__ import annotations

import asyncio
import io
import itertools
import uuid
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple, TypeVar

from rich.console import Console
from rich.table import Table
from temporalio.testing import WorkflowEnvironment

from messages.runs import ExaminedRun
from services.audit import audit
from tests.harness.policies import changed_policies
from trials.scoreboard.checks import CHECKS
from trials.scoreboard.checks.check import Check
from trials.scoreboard.contenders import CONTENDERS, Contender
from trials.scoreboard.run import Caught
from trials.scoreboard.setup import Setup, open_setup
from trials.scoreboard.trial import Trial

_T = TypeVar("_T")

#: Observation of each check on each contender, by their names; None if the bug was not found. A
#: contender that cannot have a bug has no entry.
Results = Mapping[str, Mapping[str, str | None]]


class Scoreboard(NamedTuple):
    """Results of all checks."""

    results: Results
    #: Findings of the audit in the ledgers of our sagas after all checks.
    violations: tuple[str, ...]


#: Width of the table in characters.
WIDTH = 130
#: Limit of one check in real seconds.
_BOUND = 300.0


#: Checks at the same time. More of them would not save time, and each one would take longer.
_AT_ONCE = 8


async def play(env: WorkflowEnvironment, folder: Path) -> Scoreboard:
    """Carry out all checks.

    Raises:
        Exception: a check could not be carried out. That proves nothing about the contender.
    """
    starting, turn = asyncio.Lock(), asyncio.Semaphore(_AT_ONCE)
    async with AsyncExitStack() as opened:
        # A step's window and the deadline are as long as ever, and skipped time costs nothing; but
        # an attempt is a round trip, and some twenty of them take minutes on a busy machine.
        opened.enter_context(changed_policies(growth=10, attempts=4))
        rules = [rule for check in CHECKS for rule in check.rules()]
        setups = [
            await opened.enter_async_context(
                open_setup(env, one, folder / one.prefix, starting, rules)
            )
            for one in CONTENDERS
        ]
        pairs = [
            (check, setup)
            for check in CHECKS
            for setup in setups
            if check.concerns(setup.contender)
        ]
        seen = await _all(_in_turn(check, setup, turn) for check, setup in pairs)
        violations = [await _audited(setup) for setup in setups if setup.contender.ours]
    results: dict[str, dict[str, str | None]] = {check.bug: {} for check in CHECKS}
    for (check, setup), what in zip(pairs, seen, strict=True):
        results[check.bug][setup.contender.name] = what
    return Scoreboard(results, tuple(itertools.chain(*violations)))


async def _all(running: Iterable[Coroutine[None, None, _T]]) -> list[_T]:
    """Return their results; cancel the others when one of them raises."""
    ended = await asyncio.gather(*running, return_exceptions=True)
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    return [one for one in ended if not isinstance(one, BaseException)]


async def _audited(setup: Setup) -> list[str]:
    examine = setup.shop.runs.examine
    examined = await asyncio.gather(*(examine(run.ref) for run in setup.placed))
    facts = {run.first_run_id: run.fact for run in examined if isinstance(run, ExaminedRun)}
    report = audit(setup.shop.settings.ledger_urls(), facts)
    return [f"{setup.contender.name}: {violation}" for violation in report.violations]


async def _in_turn(check: Check, setup: Setup, turn: asyncio.Semaphore) -> str | None:
    async with turn:
        return await _carried_out(check, setup)


async def _carried_out(check: Check, setup: Setup) -> str | None:
    trial = Trial(setup, f"{uuid.uuid4().hex[:8]}.{check.slug}")
    try:
        await asyncio.wait_for(check.schedule(trial), _BOUND)
    except Caught as caught:
        return str(caught)
    except asyncio.TimeoutError:
        return "hangs"
    except Exception as error:
        raise RuntimeError(f"{check.bug}, on {setup.contender.name}: {error!r}") from error
    return None


def _concerned(board: Scoreboard, bug: str) -> Iterator[tuple[Contender, str | None]]:
    """Return the contenders that could have the bug, each with what was observed."""
    seen = board.results[bug]
    return ((one, seen[one.name]) for one in CONTENDERS if one.name in seen)


def fails(board: Scoreboard) -> list[str]:
    """List the failures: a bug of ours, a check without a finding, an audit that is not clean."""
    found = list(board.violations)
    for bug in board.results:
        concerned = list(_concerned(board, bug))
        found += [f"{c.name}: {bug}: {seen}" for c, seen in concerned if c.ours and seen]
        if not any(seen for c, seen in concerned if not c.ours):
            found.append(f"no variant fails it, so it is no check: {bug}")
    return found


def show(board: Scoreboard, console: Console) -> None:
    """Print which contender failed which check, and what was observed."""
    picture = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    picture.add_column("classic bug", no_wrap=True)
    for contender in CONTENDERS:
        picture.add_column(contender.name, no_wrap=True)
    for bug, seen in board.results.items():
        picture.add_row(bug, *(_cell(seen, contender) for contender in CONTENDERS))
    picture.add_row("passed", *(_score(board, contender) for contender in CONTENDERS), style="bold")
    console.print(picture)
    for violation in board.violations:
        console.print(f"the audit of ours: {violation}", style="red", markup=False, soft_wrap=True)


def as_text(board: Scoreboard) -> str:
    """Return the scoreboard as plain text."""
    console = Console(file=io.StringIO(), width=WIDTH)
    with console.capture() as captured:
        show(board, console)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _cell(seen: Mapping[str, str | None], contender: Contender) -> str:
    if contender.name not in seen:
        return "[dim]n/a[/]"
    what = seen[contender.name]
    return "[green]✔[/]" if what is None else f"[red]✘[/] {what}"


def _score(board: Scoreboard, contender: Contender) -> str:
    seen = [of[contender.name] for of in board.results.values() if contender.name in of]
    return f"{seen.count(None)} of {len(seen)}"
