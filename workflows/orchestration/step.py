"""Steps of a saga, of three kinds: compensatable ones, the pivot, and retriable ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Generic, TypeVar

from temporalio.workflow import ActivityCancellationType
from typing_extensions import Never

from messages.base import Reversal
from messages.settling import Settle
from workflows.policies import COMPENSATION, FORWARD, UNTIL_KNOWN, Policy
from workflows.replies import call, call_locally

RequestT = TypeVar("RequestT", contravariant=True)
ReplyT = TypeVar("ReplyT", covariant=True)
_AnswerT = TypeVar("_AnswerT")


@dataclass(frozen=True)
class SagaStep(Generic[RequestT, ReplyT]):
    """Step of a saga, of any of the three kinds: its action, with its time limits and retries.

    The action is an activity method, and the method's name is the activity's name.
    """

    name: str
    # Never as the type of self accepts the methods of any class: only the name is used.
    action: Callable[[Never, RequestT], ReplyT]
    #: Type of the action's reply.
    reply: type[ReplyT]
    #: Error types that are definitive refusals, besides the failures that are marked as such
    #: (:data:`messages.failures.REFUSAL`). A refused step has no effect.
    refusals: frozenset[str] = frozenset()
    policy: Policy = FORWARD
    #: Activity that records in the service's ledger what an operator decided about the step.
    #: Without one only the run knows it, and that knowledge ends with Temporal's retention.
    settlement: str | None = None
    #: Service that hosts the activities; see :mod:`workflows.task_queues` for its task queue.
    service: str | None = None


@dataclass(frozen=True)
class Step(SagaStep[RequestT, ReplyT]):
    """Compensatable step. If the saga turns back, its compensation undoes it.

    The compensation takes the same request as the action. It never gets the action's reply,
    because the reply may have been lost. A refused step is not compensated. After any other
    failure the effect is unknown, so the step is compensated.
    """

    compensation: Callable[[Never, RequestT], Reversal] = field(kw_only=True)
    compensation_policy: Policy = field(default=COMPENSATION, kw_only=True)


@dataclass(frozen=True)
class Pivot(SagaStep[RequestT, ReplyT]):
    """Step that decides: once it is done, the saga only goes forward. It cannot be undone.

    If the service refuses, the saga turns back. After any other failure the action may have
    happened, so it is repeated, and then parked for an operator.
    """

    policy: Policy = UNTIL_KNOWN


@dataclass(frozen=True)
class Retriable(SagaStep[RequestT, ReplyT]):
    """Step after the pivot: repeated until it succeeds, or parked for an operator, never undone."""

    policy: Policy = UNTIL_KNOWN


async def act(step: SagaStep[RequestT, ReplyT], request: RequestT, time_left: timedelta) -> ReplyT:
    """Run the step's action, with all its attempts, for at most ``time_left``.

    Raises:
        ActivityError: the action failed.
        UnreadableReply: the reply cannot be read; nobody knows whether there was an effect.
    """
    window = min(step.policy.window, time_left)
    policy = replace(step.policy, window=window)
    return await _run(step, step.action.__name__, request, step.reply, policy)


async def act_at_once(step: Step[RequestT, ReplyT], request: RequestT, limit: timedelta) -> ReplyT:
    """Attempt the step's action once, inside the workflow task, for at most ``limit``.

    Raises:
        FailureError: the attempt failed.
        UnreadableReply: the reply cannot be read; nobody knows whether there was an effect.
    """
    return await call_locally(
        step.action.__name__,
        request,
        reply=step.reply,
        limit=limit,
        summary=f"{step.name}, first attempt",
    )


async def undo(step: Step[RequestT, object], request: RequestT) -> Reversal:
    """Run the step's compensation.

    Raises:
        ActivityError: the compensation failed.
        UnreadableReply: the reply cannot be read.
    """
    policy, summary = step.compensation_policy, f"undoes {step.name}"
    return await _run(step, step.compensation.__name__, request, Reversal, policy, summary)


async def settle(step: SagaStep[RequestT, object], decision: Settle) -> Reversal:
    """Record an operator's decision in the service's ledger, retried like a compensation."""
    if step.settlement is None:
        raise ValueError(f"the service of {step.name} does not record decisions")
    policy = step.compensation_policy if isinstance(step, Step) else step.policy
    summary = f"records a decision on {step.name}"
    return await _run(step, step.settlement, decision, Reversal, policy, summary)


async def _run(
    step: SagaStep[Never, object],
    activity: str,
    request: object,
    reply: type[_AnswerT],
    policy: Policy,
    summary: str | None = None,
) -> _AnswerT:
    return await call(
        activity,
        request,
        reply=reply,
        attempt=policy.attempt,
        window=policy.window,
        retry=policy.retry,
        service=step.service,
        # TRY_CANCEL would return at once, so the compensation would start while the action runs.
        cancellation=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary,
    )
