"""Earlier life of a saga: what its chain may have done beyond what a reset run's history tells."""

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
    """A step that does not stand any more, or cannot be found to."""

    step: Step[Never, object]
    error: BaseException


class EarlierLife:
    """The steps that an earlier run of the chain may have taken, or undone.

    Args:
        requests: what each step asks its service, by step; without them nothing can be done
            about an earlier life.
    """

    def __init__(
        self,
        steps: Sequence[Step[Never, object]],
        requests: Callable[[], Mapping[str, object]] | None,
    ) -> None:
        self._steps = steps
        self._requests = requests

    async def confirm(self) -> Unconfirmed | None:
        """Ask again for what may have been undone since this history saw it done.

        Each service answers as before, or says that the operation was undone. Returns the first
        step of which it is not confirmed.
        """
        requests = self._of_an_earlier_run()
        for step in self._steps if requests else ():
            try:
                await act(step, cast("Never", requests[step.name]), step.policy.window)
            except (Exception, asyncio.CancelledError) as error:
                return Unconfirmed(step, error)
        return None

    def recall(self, stack: CompensationStack) -> set[str]:
        """Push the steps of which this history does not tell; returns their names."""
        requests = self._of_an_earlier_run()
        forgotten = [step for step in self._steps if requests and step.name not in stack]
        for step in forgotten:
            stack.push(step, cast("Never", requests[step.name]))
        stack.sort([step.name for step in self._steps])
        return {step.name for step in forgotten}

    def _of_an_earlier_run(self) -> Mapping[str, object]:
        """Return the requests of all steps, when an earlier run may have made them."""
        if self._requests is None or not has_earlier_life():
            return {}
        return self._requests() if workflow.patched(wire.UNDO_THE_EARLIER_LIFE) else {}
