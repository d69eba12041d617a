"""An operator's decision, on its way into the ledger of the service that it is about."""

from __future__ import annotations

from typing import Literal

from messages.base import Command, Resolution

Decision = Literal["undone", "kept"]


class Settle(Command):
    """Record an operator's decision on an operation.

    It names the operation by its key alone: the decision has to get into the ledger also when
    nobody can read the operation's request any more.
    """

    resolution: Resolution
    #: ``undone``: it was undone by hand, and must not happen nor be undone any more.
    #: ``kept``: its effect is right, and stays.
    decision: Decision = "undone"
