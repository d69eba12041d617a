"""Earlier life of a saga: effects that this history does not contain.

They were made by a run before a reset, or on the fast path in a workflow task that was lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, cast

from temporalio import workflow
from typing_extensions import Never

from messages import wire
from workflows.chain import has_earlier_life
from workflows.orchestration.compensation import CompensationStack
from workflows.orchestration.step import Step, act


class Unconfirmed(NamedTuple):
    """First step whose effect could not be confirmed, and the error."""

    step: Step[Never, object]
    error: BaseException


class EarlierLife:
    """Steps that an earlier run of the chain, or a lost workflow task, may have done.

    Args:
        requests: makes the request of each step, by step name. Without it, the earlier life is
            ignored.
    """

    def __init__(
        self,
        steps: Sequence[Step[Never, object]],
        requests: Callable[[], Mapping[str, object]] | None,
    ) -> None:
        self._steps = steps
        self._requests = requests

    async def confirm(self) -> Unconfirmed | None:
        """Repeat every action, since an earlier run may have undone it after the reset point.

        The fence answers with the stored reply if the effect stands, and refuses if it was undone.

        Returns:
            The first step that is not confirmed, if any.
        """
        requests = self._earlier_requests()
        for step in self._steps if requests else ():
            try:
                await act(step, cast("Never", requests[step.name]), step.policy.window)
            except (Exception, asyncio.CancelledError) as error:
                return Unconfirmed(step, error)
        return None

    def recall(self, stack: CompensationStack, *, a_task_may_be_lost: bool) -> set[str]:
        """Push the steps that this history does not contain, and return their names.

        Args:
            a_task_may_be_lost: a lost workflow task may have done steps on the fast path.
        """
        requests = self._earlier_requests()
        if a_task_may_be_lost and self._requests is not None:
            requests = self._requests()
        missing = [step for step in self._steps if requests and step.name not in stack]
        for step in missing:
            stack.push(step, cast("Never", requests[step.name]))
        stack.sort([step.name for step in self._steps])
        return {step.name for step in missing}

    def _earlier_requests(self) -> Mapping[str, object]:
        """Return the requests of all steps; empty if no earlier run can have sent them."""
        if self._requests is None or not has_earlier_life():
            return {}
        return self._requests() if workflow.patched(wire.UNDO_THE_EARLIER_LIFE) else {}
