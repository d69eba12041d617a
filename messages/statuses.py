"""Statuses of orders in a list."""

from __future__ import annotations

from typing import Literal

ListedStatus = Literal[
    "RUNNING", "COMPENSATING", "NEEDS_INTERVENTION", "SUCCESS", "FAILED", "CANCELLED", "TERMINATED"
]
