"""Time limits and retries of steps, deliveries and questions: all of them, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from temporalio.common import RetryPolicy

from messages.orders import Order


@dataclass(frozen=True)
class Policy:
    """Time limits and retries of an activity."""

    #: One attempt may take this long. What it was doing when it expired may still happen.
    attempt: timedelta
    #: All attempts and the pauses between them together may take this long.
    window: timedelta
    retry: RetryPolicy


def _retry(longest: timedelta, attempts: int = 0) -> RetryPolicy:
    """Return retries after pauses that begin at 200 ms and double, but never exceed ``longest``.

    Args:
        attempts: so many at most; 0 means that only the time ends them.
    """
    return RetryPolicy(
        initial_interval=timedelta(milliseconds=200),
        backoff_coefficient=2.0,
        maximum_interval=longest,
        maximum_attempts=attempts,
    )


#: A step that cannot be done in this window is given up, and the saga turns back.
FORWARD = Policy(
    attempt=timedelta(seconds=5),
    window=timedelta(minutes=5),
    retry=_retry(timedelta(seconds=30)),
)

#: Nothing else undoes what a compensation did not, so it is tried for a day. After that a person
#: has to look at it.
COMPENSATION = Policy(
    attempt=timedelta(seconds=10),
    window=timedelta(hours=24),
    retry=_retry(timedelta(minutes=15)),
)

#: The whole way forward, when the order does not say otherwise. Undoing is not bounded by it.
DEADLINE = timedelta(minutes=15)


def deadline_of(order: Order) -> timedelta:
    """Return the time that the order has for its way forward."""
    given = order.deadline_seconds
    return timedelta(seconds=given) if given else DEADLINE


@dataclass(frozen=True)
class DeliveryPolicy:
    """Time limits and retries of the delivery of an event.

    There is no window: an event waits for its subscriber's worker for as long as that is
    away. What counts is how often the subscriber failed.
    """

    #: One attempt may take this long, as in :class:`Policy`.
    attempt: timedelta
    retry: RetryPolicy


#: Some seven minutes of trying; then the event becomes a dead letter.
DELIVERY = DeliveryPolicy(
    attempt=timedelta(seconds=5),
    retry=_retry(timedelta(seconds=30), attempts=20),
)

#: Some twenty-four hours, as for a compensation.
UNDO_DELIVERY = DeliveryPolicy(
    attempt=timedelta(seconds=10),
    retry=_retry(timedelta(minutes=15), attempts=107),
)

#: A choreographed order that has heard nothing for so long looks after the deliveries that it
#: waits for, again and again after pauses that double.
FOLLOW_UP_AFTER = timedelta(minutes=1)
FOLLOW_UP_AT_LEAST_EVERY = timedelta(hours=1)

#: The reconciler waits for so long to see something undone; after that it goes on without it.
UNDONE_WITHIN = timedelta(minutes=1)

#: A ledger whose worker does not answer soon is not waited for: the reconciler comes again.
ASKING = Policy(
    attempt=timedelta(seconds=10),
    window=timedelta(seconds=15),
    retry=_retry(timedelta(seconds=2)),
)

#: One page of a search: Temporal is asked about each run.
SEARCH = Policy(
    attempt=timedelta(minutes=1),
    window=timedelta(minutes=5),
    retry=_retry(timedelta(seconds=10)),
)

#: A reconciliation whose history has grown longer goes on in a new run.
RECONCILER_EVENTS = 4_000

#: A run that Temporal does not know is left alone until its services have been quiet for so
#: long: it may be so new that the server which was asked has not heard of it.
QUIET = timedelta(seconds=15)

#: When more runs than this are gone from Temporal in one reconciliation, it is more likely
#: that the wrong server or the wrong ledgers are looked at than that somebody deleted them.
MANY_GONE = 10

#: An operator who lets the reconciler go on however many there are gets so many at a time.
MANY_AT_ONCE = 500
