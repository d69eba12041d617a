"""Sessions of PostgreSQL that may only read, and are replaced."""

from __future__ import annotations

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

_READ_ONLY = "25006"


def renew_read_only(engine: Engine) -> None:
    """Replace the engine's connections when one of them turns out to be read-only.

    A session stays read-only for as long as it lives, even if its database can be written again
    or, after a failover, another server can. It would pass the check of a connection that works.
    """

    @event.listens_for(engine, "handle_error")
    def _failed(context: ExceptionContext) -> None:
        if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
            context.is_disconnect = True
