"""Questions of the reconciler to the services' ledgers and to Temporal, asked by activities."""

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
    """A question was not answered, or the reply cannot be read; the message says why."""


async def identities(services: Sequence[str]) -> Mapping[str, LedgerIdentity | NoAnswer]:
    """Ask each service for the identity of its ledger."""

    async def identity(service: str) -> LedgerIdentity | NoAnswer:
        try:
            return await _ask(service, records.IDENTIFY, (), LedgerIdentity)
        except NoAnswer as why:
            return why

    answers = await asyncio.gather(*map(identity, services))
    return dict(zip(services, answers, strict=True))


async def unsettled(service: str, after: str) -> UnsettledPage:
    """Ask a ledger for one page of the runs with effects that are not sealed.

    Raises:
        NoAnswer: the ledger did not answer.
    """
    return await _ask(service, records.UNSETTLED, (after,), UnsettledPage)


async def operations(service: str, run_ids: Sequence[str]) -> list[RunOperation]:
    """Ask a ledger for its operations of these runs.

    Raises:
        NoAnswer: the ledger did not answer.
    """
    return await _ask(service, records.OPERATIONS, (list(run_ids),), list[RunOperation])


async def seal(service: str, run_ids: Sequence[str]) -> None:
    """Seal these runs in a ledger; if that fails, the next reconciliation does it."""
    try:
        await _ask(service, records.SEAL, (list(run_ids),), int)
    except NoAnswer as why:
        workflow.logger.warning("not sealed in %s: %s", service, why)


async def unseal(service: str, seconds: float) -> None:
    """Remove the seals that a ledger has set in the last ``seconds``.

    Raises:
        NoAnswer: the ledger did not answer; some seals may be removed.
    """
    while await _ask(service, records.UNSEAL, (seconds,), int):
        pass


async def close_gap(service: str, gap: Gap) -> None:
    """Tell a ledger that all other ledgers have reacted to its gap.

    Raises:
        NoAnswer: the ledger did not answer.
    """
    await _ask(service, records.CLOSE_GAP, (gap.until,), bool)


async def operation(service: str, run_id: str) -> FencedOperation | None:
    """Ask a ledger for its operation of a run, with its request, retried like a compensation.

    Raises:
        NoAnswer: the ledger did not answer.
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
    """Ask Temporal for one page of the runs that were ended from outside.

    Raises:
        NoAnswer: Temporal did not answer.
    """
    name = ReconciliationActivities.find_broken_off_runs.__name__
    return await _ask(None, name, (after,), RunsPage, policies.SEARCH)


async def examined(runs: Sequence[RunRef]) -> Examined:
    """Ask Temporal how these runs ended.

    Raises:
        NoAnswer: Temporal did not answer.
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
