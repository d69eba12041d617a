"""Time limits and retries of all steps, deliveries and questions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from temporalio.common import RetryPolicy

from messages.orders import Order


@dataclass(frozen=True)
class Policy:
    """Time limits and retries of an activity."""

    #: Limit of one attempt. The effect of an attempt that timed out may still happen.
    attempt: timedelta
    #: Limit of all attempts and the pauses between them together.
    window: timedelta
    retry: RetryPolicy
    #: Limit of the first attempt on the fast path (workflows/orchestration/fast_path.py). It holds
    #: the workflow task, and with it every message to the run, for so long. None: the step is
    #: never on the fast path.
    fast: timedelta | None = None


def _retry(longest: timedelta, attempts: int = 0) -> RetryPolicy:
    """Return a policy whose pauses start at 200 ms and double up to ``longest``.

    Args:
        attempts: largest number of attempts; 0 means that only a time limit ends them.
    """
    return RetryPolicy(
        initial_interval=timedelta(milliseconds=200),
        backoff_coefficient=2.0,
        maximum_interval=longest,
        maximum_attempts=attempts,
    )


#: An action that does not succeed within this window fails, and the saga turns back.
FORWARD = Policy(
    attempt=timedelta(seconds=5),
    window=timedelta(minutes=5),
    retry=_retry(timedelta(seconds=30)),
    fast=timedelta(seconds=1),
)

#: Nothing else undoes the effect of a step if its compensation fails, so it is retried for a day.
#: After that an operator has to decide.
COMPENSATION = Policy(
    attempt=timedelta(seconds=10),
    window=timedelta(hours=24),
    retry=_retry(timedelta(minutes=15)),
)

#: Nothing undoes the action of a pivot or of a retriable step, so it is repeated for as long.
UNTIL_KNOWN = COMPENSATION

#: Default limit of all actions together. It does not bound the compensations.
DEADLINE = timedelta(minutes=15)


def deadline_of(order: Order) -> timedelta:
    """Return the time that the order has for all its actions."""
    given = order.deadline_seconds
    return timedelta(seconds=given) if given else DEADLINE


@dataclass(frozen=True)
class DeliveryPolicy:
    """Time limits and retries of the delivery of an event.

    There is no window: an event waits as long as its subscriber has no worker. Only failed
    attempts count.
    """

    #: Limit of one attempt, as in :class:`Policy`.
    attempt: timedelta
    retry: RetryPolicy
    #: Limit of the first attempt, which includes the wait for a free slot of the worker. It holds
    #: the workflow task, so it is shorter than that may take (ten seconds). On a busy machine,
    #: attempts that are given up earlier would be made again, and keep it busy.
    fast: timedelta = timedelta(seconds=5)


#: About seven minutes of attempts; then the event becomes a dead letter.
DELIVERY = DeliveryPolicy(
    attempt=timedelta(seconds=5),
    retry=_retry(timedelta(seconds=30), attempts=20),
)

#: About twenty-four hours of attempts, as for a compensation.
UNDO_DELIVERY = DeliveryPolicy(
    attempt=timedelta(seconds=10),
    retry=_retry(timedelta(minutes=15), attempts=107),
)

#: Publication of events is retried until Temporal accepts it.
PUBLICATION = DeliveryPolicy(
    attempt=timedelta(seconds=10),
    retry=_retry(timedelta(seconds=10)),
)

#: A choreographed order that hears nothing for this long checks the deliveries that it waits for.
#: The pause doubles after each check, up to the second value.
FOLLOW_UP_AFTER = timedelta(minutes=1)
FOLLOW_UP_AT_LEAST_EVERY = timedelta(hours=1)

#: The reconciler waits this long for one leftover, so that a slow service does not block the rest.
UNDONE_WITHIN = timedelta(minutes=1)

#: A question to a ledger. The window is short, because the next reconciliation asks again.
ASKING = Policy(
    attempt=timedelta(seconds=10),
    window=timedelta(seconds=15),
    retry=_retry(timedelta(seconds=2)),
)

#: A question to Temporal. One page of a search needs a request for each of its runs.
SEARCH = Policy(
    attempt=timedelta(minutes=1),
    window=timedelta(minutes=5),
    retry=_retry(timedelta(seconds=10)),
)

#: A reconciliation whose history has more events than this continues as new.
RECONCILER_EVENTS = 4_000

#: A run that Temporal does not know is not touched until its services have not been called for
#: this long. It may be so new that the server does not return it yet.
QUIET = timedelta(seconds=15)

#: If Temporal does not know more runs than this, the reconciler stops and undoes none of them.
#: It probably looks at the wrong server or the wrong ledgers.
MANY_GONE = 10

#: An operator can allow more than that (``--however-many``). One reconciliation handles this many.
MANY_AT_ONCE = 500
