"""Worker of another version, which does the work but replies in another form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel
from temporalio import activity

from messages.participants import PARTICIPANTS
from tests.harness.gates import AroundActivities, saga_of
from trials.fuzz.scenario import OtherVersion

#: Reaction in which a service carries out an operation in choreography, by operation.
_REACTIONS = {
    operation: reaction
    for p in PARTICIPANTS
    for operation, reaction in zip((p.step, p.compensation), p.reactions, strict=True)
}
_UNHEARD_OF = {"unheard_of": {"since": "the next version"}}


class OtherVersions(AroundActivities):
    """Takes one attempt of each of some operations."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], OtherVersion] = {}

    def are_to_take(self, saga_id: str, versions: tuple[OtherVersion, ...]) -> None:
        """Take these operations of an order, in whichever mode it is placed."""
        for version in versions:
            for name in (version.operation, _REACTIONS[version.operation]):
                self._waiting[saga_id, name] = version

    async def around(self, info: activity.Info, attempt: Callable[[], Awaitable[Any]]) -> object:
        reply: object = await attempt()
        version = self._waiting.pop((saga_of(info), info.activity_type), None)
        if version is None:
            return reply
        return _with_one_more_field(reply) if version.readable else 42


def _with_one_more_field(reply: object) -> object:
    if isinstance(reply, list):
        return [_with_one_more_field(each) for each in reply]
    assert isinstance(reply, BaseModel)
    return {**reply.model_dump(mode="json"), **_UNHEARD_OF}
