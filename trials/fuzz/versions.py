"""Worker of another version, which does the work but replies in another form."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel
from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from messages.ids import delivery_parts
from messages.participants import PARTICIPANTS
from trials.fuzz.scenario import OtherVersion

#: Reaction in which a service carries out an operation in choreography, by operation.
_REACTIONS = {
    operation: reaction
    for p in PARTICIPANTS
    for operation, reaction in zip((p.step, p.compensation), p.reactions, strict=True)
}
_UNHEARD_OF = {"unheard_of": {"since": "the next version"}}


class OtherVersions(Interceptor):
    """Takes one attempt of each of these operations.

    Args:
        by_order: by workflow id of an order.
    """

    def __init__(self, by_order: Mapping[str, tuple[OtherVersion, ...]]) -> None:
        self._waiting = {
            (saga_id, name): version
            for saga_id, versions in by_order.items()
            for version in versions
            for name in (version.operation, _REACTIONS[version.operation])
        }

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Other(next, self)

    def take(self, info: activity.Info) -> OtherVersion | None:
        """Return the version that takes this attempt; None when it is ours."""
        workflow_id = info.workflow_id or ""
        parts = delivery_parts(workflow_id)
        saga_id = parts[0] if parts else workflow_id
        return self._waiting.pop((saga_id, info.activity_type), None)


class _Other(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, versions: OtherVersions) -> None:
        super().__init__(next)
        self._versions = versions

    async def execute_activity(self, input: ExecuteActivityInput) -> object:
        reply: object = await super().execute_activity(input)
        version = self._versions.take(activity.info())
        if version is None:
            return reply
        return _with_one_more_field(reply) if version.readable else 42


def _with_one_more_field(reply: object) -> object:
    if isinstance(reply, list):
        return [_with_one_more_field(each) for each in reply]
    assert isinstance(reply, BaseModel)
    return {**reply.model_dump(mode="json"), **_UNHEARD_OF}
