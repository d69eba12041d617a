"""The reconciler's questions: to the worker of a service about its ledger, and about Temporal."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities import records
    from activities.reconciliation import ReconciliationActivities
    from messages.ledgers import FencedOperation, Gap, LedgerIdentity, RunOperation, UnsettledPage
    from messages.reconciliation import Examined, RunsPage
    from messages.runs import RunRef

from workflows import policies
from workflows.failure import explain
from workflows.policies import Policy
from workflows.replies import UnreadableReply, call

_T = TypeVar("_T")


class NoAnswer(Exception):
    """A question was not answered, or the answer cannot be read; the message says why."""


async def identities(services: Sequence[str]) -> Mapping[str, LedgerIdentity | NoAnswer]:
    """Ask each service's ledger who it is."""

    async def identity(service: str) -> LedgerIdentity | NoAnswer:
        try:
            return await _ask(service, records.IDENTIFY, (), LedgerIdentity)
        except NoAnswer as why:
            return why

    answers = await asyncio.gather(*map(identity, services))
    return dict(zip(services, answers, strict=True))


async def unsettled(service: str, after: str) -> UnsettledPage:
    """Ask a ledger for runs whose effects nobody has found to be right yet.

    Raises:
        NoAnswer: it did not answer.
    """
    return await _ask(service, records.UNSETTLED, (after,), UnsettledPage)


async def operations(service: str, run_ids: Sequence[str]) -> list[RunOperation]:
    """Ask a ledger what it knows of these runs.

    Raises:
        NoAnswer: it did not answer.
    """
    return await _ask(service, records.OPERATIONS, (list(run_ids),), list[RunOperation])


async def seal(service: str, run_ids: Sequence[str]) -> None:
    """Have a ledger note that these runs' effects are right; the next pass makes up for it."""
    try:
        await _ask(service, records.SEAL, (list(run_ids),), int)
    except NoAnswer as why:
        workflow.logger.warning("not sealed in %s: %s", service, why)


async def unseal(service: str, seconds: float) -> None:
    """Have a ledger look again at what it has sealed in the last so many seconds.

    Raises:
        NoAnswer: it did not answer; it may have done some of it.
    """
    while await _ask(service, records.UNSEAL, (seconds,), int):
        pass


async def close_gap(service: str, gap: Gap) -> None:
    """Tell a ledger that the others know of its gap.

    Raises:
        NoAnswer: it did not answer.
    """
    await _ask(service, records.CLOSE_GAP, (gap.until,), bool)


async def operation(service: str, run_id: str) -> FencedOperation | None:
    """Ask a ledger for all it knows of a run, with a compensation's patience.

    Raises:
        NoAnswer: it did not answer.
    """
    answer = FencedOperation | None
    return await _ask(
        service,
        records.OPERATION,
        (run_id,),
        answer,  # type: ignore[arg-type]
        policies.COMPENSATION,
    )


async def broken_off(after: str) -> RunsPage:
    """Ask Temporal for runs that were ended from outside.

    Raises:
        NoAnswer: it did not answer.
    """
    name = ReconciliationActivities.find_broken_off_runs.__name__
    return await _ask(None, name, (after,), RunsPage, policies.SEARCH)


async def examined(runs: Sequence[RunRef]) -> Examined:
    """Ask Temporal how these runs ended.

    Raises:
        NoAnswer: it did not answer.
    """
    name = ReconciliationActivities.examine_runs.__name__
    return await _ask(None, name, (list(runs),), Examined, policies.SEARCH)


async def _ask(
    service: str | None,
    question: str,
    about: tuple[object, ...],
    kind: type[_T],
    policy: Policy = policies.ASKING,
) -> _T:
    try:
        return await call(
            question.format(service),
            *about,
            reply=kind,
            attempt=policy.attempt,
            window=policy.window,
            retry=policy.retry,
            service=service,
        )
    except (ActivityError, UnreadableReply) as error:
        raise NoAnswer(explain(error)) from error
