"""A step of a saga: an action and the compensation that undoes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.workflow import ActivityCancellationType
from typing_extensions import Never

from messages.base import Reversal
from messages.settling import Settle
from workflows.policies import COMPENSATION, FORWARD, Policy
from workflows.replies import read
from workflows.task_queues import task_queue_of

RequestT = TypeVar("RequestT", contravariant=True)
ReplyT = TypeVar("ReplyT", covariant=True)


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
    #: Records in the service's ledger that an operator undid the step by hand. Without one only
    #: the run knows, and forgets it with Temporal.
    settlement: Callable[[Never, Settle], Reversal] | None = None
    #: Who takes part. It may have a task queue of its own: see :mod:`workflows.task_queues`.
    service: str | None = None


async def act(step: Step[RequestT, ReplyT], request: RequestT, time_left: timedelta) -> ReplyT:
    """Run the step's action, for no longer than ``time_left``.

    Raises:
        ActivityError: it failed.
        UnreadableReply: so did its answer; whether it took effect is unknown.
    """
    policy = step.policy
    reply: RawValue | None = await workflow.execute_activity(
        step.action.__name__,
        request,
        result_type=RawValue,
        task_queue=task_queue_of(step.service),
        start_to_close_timeout=policy.attempt,
        schedule_to_close_timeout=min(policy.window, time_left),
        retry_policy=policy.retry,
        # Otherwise a cancelled action is still under way while its compensation starts.
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    )
    return read(reply, step.reply, step.action.__name__)


async def undo(step: Step[RequestT, object], request: RequestT) -> Reversal:
    """Run the step's compensation.

    Raises:
        ActivityError: it failed.
        UnreadableReply: so did its answer.
    """
    policy = step.compensation_policy
    reply: RawValue | None = await workflow.execute_activity(
        step.compensation.__name__,
        request,
        result_type=RawValue,
        task_queue=task_queue_of(step.service),
        start_to_close_timeout=policy.attempt,
        schedule_to_close_timeout=policy.window,
        retry_policy=policy.retry,
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=f"undoes {step.name}",
    )
    return read(reply, Reversal, step.compensation.__name__)


async def settle(step: Step[RequestT, object], decision: Settle) -> Reversal:
    """Have the step's service record an operator's decision, with a compensation's patience."""
    if step.settlement is None:
        raise ValueError(f"the service of {step.name} keeps no decisions")
    policy = step.compensation_policy
    reply: RawValue | None = await workflow.execute_activity(
        step.settlement.__name__,
        decision,
        result_type=RawValue,
        task_queue=task_queue_of(step.service),
        start_to_close_timeout=policy.attempt,
        schedule_to_close_timeout=policy.window,
        retry_policy=policy.retry,
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=f"records a decision on {step.name}",
    )
    return read(reply, Reversal, step.settlement.__name__)
