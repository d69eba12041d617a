"""Worker of a newer version, which polls the same task queue."""

from __future__ import annotations

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor


class NewerVersion(Interceptor):
    """Takes some activities, carries them out, and answers as nobody here understands."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, str]] = set()

    def take(self, workflow_id: str, activity: str) -> None:
        """Take this activity of a run, or of the deliveries of its events, from now on."""
        self._taken.add((workflow_id, activity))

    def takes(self, info: activity.Info) -> bool:
        """Tell whether it takes this activity."""
        # Events and their deliveries are called after the run that they belong to.
        names = (info.workflow_id or "").split("/")
        return any((name, info.activity_type) in self._taken for name in names)

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Newer(next, self)


class _Newer(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, version: NewerVersion) -> None:
        super().__init__(next)
        self._version = version

    async def execute_activity(self, input: ExecuteActivityInput) -> object:
        reply = await super().execute_activity(input)
        return {"format": 2, "reply": reply} if self._version.takes(activity.info()) else reply
