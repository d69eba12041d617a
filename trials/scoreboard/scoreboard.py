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
from runs.examination import TemporalRuns
from services.audit import audit
from trials.scoreboard.checks import CHECKS
from trials.scoreboard.checks.check import Check
from trials.scoreboard.contenders import CONTENDERS, Contender
from trials.scoreboard.few_attempts import few_attempts
from trials.scoreboard.lab import Lab, open_lab
from trials.scoreboard.run import Caught
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
        opened.enter_context(few_attempts())
        rules = [rule for check in CHECKS for rule in check.rules()]
        labs = [
            await opened.enter_async_context(
                open_lab(env, one, folder / one.prefix, starting, rules)
            )
            for one in CONTENDERS
        ]
        pairs = [(check, lab) for check in CHECKS for lab in labs if check.concerns(lab.contender)]
        seen = await _all(_in_turn(check, lab, turn) for check, lab in pairs)
        violations = [await _audited(lab) for lab in labs if lab.contender.ours]
    results: dict[str, dict[str, str | None]] = {check.bug: {} for check in CHECKS}
    for (check, lab), what in zip(pairs, seen, strict=True):
        results[check.bug][lab.contender.name] = what
    return Scoreboard(results, tuple(itertools.chain(*violations)))


async def _all(running: Iterable[Coroutine[None, None, _T]]) -> list[_T]:
    """Return their results; cancel the others when one of them raises."""
    ended = await asyncio.gather(*running, return_exceptions=True)
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    return [one for one in ended if not isinstance(one, BaseException)]


async def _audited(lab: Lab) -> list[str]:
    runs = TemporalRuns(lab.env.client, lab.settings.task_queue)
    examined = await asyncio.gather(*(runs.examine(run.ref) for run in lab.placed))
    facts = {run.first_run_id: run.fact for run in examined if isinstance(run, ExaminedRun)}
    report = audit(lab.settings.ledger_urls(), facts)
    return [f"{lab.contender.name}: {violation}" for violation in report.violations]


async def _in_turn(check: Check, lab: Lab, turn: asyncio.Semaphore) -> str | None:
    async with turn:
        return await _carried_out(check, lab)


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
