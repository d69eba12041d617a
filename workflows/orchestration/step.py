"""Step of a saga: an action and the compensation that undoes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Generic, TypeVar

from temporalio.workflow import ActivityCancellationType
from typing_extensions import Never

from messages.base import Reversal
from messages.settling import Settle
from workflows.policies import COMPENSATION, FORWARD, Policy
from workflows.replies import call, call_locally

RequestT = TypeVar("RequestT", contravariant=True)
ReplyT = TypeVar("ReplyT", covariant=True)
_AnswerT = TypeVar("_AnswerT")


@dataclass(frozen=True)
class Step(Generic[RequestT, ReplyT]):
    """Action and compensation of one step, with their time limits and retries.

    Both are activity methods that take the same request. The method's name is the activity's
    name. The compensation never gets the action's reply, because the reply may have been lost.
    """

    name: str
    # Never as the type of self accepts the methods of any class: only the name is used.
    action: Callable[[Never, RequestT], ReplyT]
    compensation: Callable[[Never, RequestT], Reversal]
    #: Type of the action's reply.
    reply: type[ReplyT]
    #: Error types that are definitive refusals, besides the failures that are marked as such
    #: (:data:`messages.failures.REFUSAL`). A refused step has no effect and is not compensated.
    #: After any other failure the effect is unknown, so the step is compensated.
    refusals: frozenset[str] = frozenset()
    policy: Policy = FORWARD
    compensation_policy: Policy = COMPENSATION
    #: Activity that records in the service's ledger that an operator undid the step by hand.
    #: Without one only the run knows it, and that knowledge ends with Temporal's retention.
    settlement: str | None = None
    #: Service that hosts the activities; see :mod:`workflows.task_queues` for its task queue.
    service: str | None = None


async def act(step: Step[RequestT, ReplyT], request: RequestT, time_left: timedelta) -> ReplyT:
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


async def settle(step: Step[RequestT, object], decision: Settle) -> Reversal:
    """Record an operator's decision in the service's ledger, retried like a compensation."""
    if step.settlement is None:
        raise ValueError(f"the service of {step.name} does not record decisions")
    policy, summary = step.compensation_policy, f"records a decision on {step.name}"
    return await _run(step, step.settlement, decision, Reversal, policy, summary)


async def _run(
    step: Step[Never, object],
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
