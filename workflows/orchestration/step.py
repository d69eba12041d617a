"""A step of a saga: an action and the compensation that undoes it."""

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
from workflows.replies import call

RequestT = TypeVar("RequestT", contravariant=True)
ReplyT = TypeVar("ReplyT", covariant=True)
_AnswerT = TypeVar("_AnswerT")


@dataclass(frozen=True)
class Step(Generic[RequestT, ReplyT]):
    """One row of the saga's table.

    Action and compensation are activity methods that take the same request, and activities by
    their own names. The compensation never sees the action's reply, because that may have been
    lost.
    """

    name: str
    # Never: whichever class hosts the activity, the workflow only names the method.
    action: Callable[[Never, RequestT], ReplyT]
    compensation: Callable[[Never, RequestT], Reversal]
    #: What the action answers.
    reply: type[ReplyT]
    #: Error types by which the service says "no effect, now or ever", beside the failures that
    #: say so themselves (:data:`messages.failures.REFUSAL`); such a step is not compensated.
    #: Every other failure leaves open what happened, and is.
    refusals: frozenset[str] = frozenset()
    policy: Policy = FORWARD
    compensation_policy: Policy = COMPENSATION
    #: The activity that records in the service's ledger that an operator undid the step by hand.
    #: Without one only the run knows, and forgets it with Temporal.
    settlement: str | None = None
    #: Who takes part. It may have a task queue of its own: see :mod:`workflows.task_queues`.
    service: str | None = None


async def act(step: Step[RequestT, ReplyT], request: RequestT, time_left: timedelta) -> ReplyT:
    """Run the step's action, for no longer than ``time_left``.

    Raises:
        ActivityError: it failed.
        UnreadableReply: so did its answer; whether it took effect is unknown.
    """
    window = min(step.policy.window, time_left)
    policy = replace(step.policy, window=window)
    return await _run(step, step.action.__name__, request, step.reply, policy)


async def undo(step: Step[RequestT, object], request: RequestT) -> Reversal:
    """Run the step's compensation.

    Raises:
        ActivityError: it failed.
        UnreadableReply: so did its answer.
    """
    policy, summary = step.compensation_policy, f"undoes {step.name}"
    return await _run(step, step.compensation.__name__, request, Reversal, policy, summary)


async def settle(step: Step[RequestT, object], decision: Settle) -> Reversal:
    """Have the step's service record an operator's decision, with a compensation's patience."""
    if step.settlement is None:
        raise ValueError(f"the service of {step.name} keeps no decisions")
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
        # Otherwise a cancelled action is still under way while its compensation starts.
        cancellation=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary,
    )
