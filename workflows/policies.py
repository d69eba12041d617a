"""How long a step may take and how it is retried: all of it, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from temporalio.common import RetryPolicy


@dataclass(frozen=True)
class Policy:
    """Time limits and retries of an activity."""

    #: One attempt may take this long. What it was doing when it expired may still happen.
    attempt: timedelta
    #: All attempts and the pauses between them together may take this long.
    window: timedelta
    retry: RetryPolicy


#: A step that cannot be done in this window is given up, and the saga turns back.
FORWARD = Policy(
    attempt=timedelta(seconds=5),
    window=timedelta(minutes=5),
    retry=RetryPolicy(
        initial_interval=timedelta(milliseconds=200),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(seconds=30),
    ),
)

#: There is no way back from a way back, so an undo is worth a day of trying; after that
#: a person has to look at it.
COMPENSATION = Policy(
    attempt=timedelta(seconds=10),
    window=timedelta(hours=24),
    retry=RetryPolicy(
        initial_interval=timedelta(milliseconds=200),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(minutes=15),
    ),
)

#: The whole way forward, when the order does not say otherwise. Undoing is not bounded by it.
DEADLINE = timedelta(minutes=15)
