"""Request to store an operator's decision in a service's ledger."""

from __future__ import annotations

from typing import Literal

from messages.base import Command, Resolution

Decision = Literal["undone", "kept"]


class Settle(Command):
    """Request to record an operator's decision on an operation.

    It names the operation by its key alone. So a decision can be recorded even if the request of
    the operation can no longer be read.
    """

    resolution: Resolution
    #: ``undone``: it was undone by hand; from now on the service neither does nor undoes it.
    #: ``kept``: its effect is right and stays.
    decision: Decision = "undone"
