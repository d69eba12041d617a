"""Earlier life of a saga: effects of runs before a reset, which this history does not contain."""

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
    """Steps that an earlier run of the chain may have done or undone.

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

    def recall(self, stack: CompensationStack) -> set[str]:
        """Push the steps that this history does not contain, and return their names."""
        requests = self._earlier_requests()
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
