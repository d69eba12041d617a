"""Fast path: a step's first attempt is a local activity, which runs inside the workflow task.

The worker's build id says whether its workflow tasks take the fast path. Temporal records that id
with each workflow task. So a replay takes the path that the first execution took, whatever the
setting of the worker that replays.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from temporalio import workflow

from workflows.orchestration.step import ReplyT, RequestT, Step, act, act_at_once

_MARK = "+fast-path"


def fast(build_id: str) -> str:
    """Return the build id of a worker whose workflow tasks take the fast path."""
    return f"{build_id}{_MARK}"


class FastPath:
    """Fast path of one run, if its worker takes it."""

    def __init__(self) -> None:
        self._was_taken = False

    def was_taken(self) -> bool:
        """Tell whether a workflow task of this run takes the fast path, or did so before.

        When such a task is lost, the history does not tell which steps it did.
        """
        return self._is_taken() or self._was_taken

    async def act(
        self,
        step: Step[RequestT, ReplyT],
        request: RequestT,
        time_left: timedelta,
        is_final: Callable[[Step[RequestT, ReplyT], Exception], bool],
    ) -> ReplyT:
        """Run the step's action; see :func:`workflows.orchestration.step.act`.

        If the attempt on the fast path fails, the regular activity goes on under the same
        idempotency key. So it does no harm that the effect of the first attempt is unknown.

        Args:
            is_final: tells whether the action ends with this failure.
        """
        limit = step.policy.fast
        if limit is not None and self._is_taken():
            try:
                return await act_at_once(step, request, min(limit, time_left))
            except Exception as error:
                if is_final(step, error):
                    raise
        return await act(step, request, time_left)

    def _is_taken(self) -> bool:
        taken = workflow.info().get_current_build_id().endswith(_MARK)
        self._was_taken |= taken
        return taken
