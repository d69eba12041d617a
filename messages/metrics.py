"""Metrics of this project, which a worker exposes besides those of the SDK.

All values of every label are known in advance. So no order, customer or amount can become a label,
and a worker exposes each counter with 0 before anything has happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from messages import wire
from messages.participants import SERVICES, STEPS
from messages.subscriptions import SUBSCRIBERS

#: Label value for what has none of the known names, such as an event that somebody else made up.
OTHER = "other"


@dataclass(frozen=True)
class Metric:
    """Counter, histogram or gauge with its labels."""

    name: str
    help: str
    #: Possible values by label.
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Workflow types that count; empty if no workflow does. The SDK adds the type as a label.
    workflow_types: tuple[str, ...] = ()

    def series(self) -> Iterator[dict[str, str]]:
        """Return all combinations of label values."""
        for values in product(*self.labels.values()):
            yield dict(zip(self.labels, values, strict=True))


#: Mode of a saga by workflow type.
MODE_OF = dict(zip(wire.SAGA_TYPES, ("orchestration", "choreography"), strict=True))

OUTCOMES = Metric(
    "order_saga_outcomes",
    "Sagas that have ended",
    {
        "mode": tuple(MODE_OF.values()),
        # error: neither an outcome nor a rollback, such as an input that is no order.
        "outcome": ("success", "failed", "cancelled", "error"),
    },
    wire.SAGA_TYPES,
)
DURATION = Metric(
    "order_saga_duration_seconds",
    "Time from the start of a saga to its end",
    {"mode": tuple(MODE_OF.values())},
)
#: Upper bounds of its buckets, in seconds.
DURATION_BUCKETS = (
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
    900.0,
    3600.0,
    86400.0,
)
COMPENSATIONS = Metric(
    "order_saga_compensations",
    "Compensations that have ended or been parked",
    {
        "step": STEPS,
        "result": ("undone", "nothing_to_undo", "by_hand", "kept", "parked"),
    },
    (*wire.SAGA_TYPES, wire.UNDO_LEFTOVER),
)
DELIVERIES = Metric(
    "order_saga_deliveries",
    "Deliveries of events that have ended or been parked",
    {
        "event": (*SUBSCRIBERS, OTHER),
        "result": ("delivered", "discarded", "parked"),
    },
    (wire.EVENT_DELIVERY,),
)
RECONCILIATIONS = Metric(
    "order_saga_reconciliations",
    "Reconciliations that have ended",
    {"result": ("done", "unfinished")},
    (wire.RECONCILE_ORDERS,),
)
RECONCILED = Metric(
    "order_saga_reconciled",
    "Leftovers of runs that the reconciler has dealt with",
    {"result": ("undone", "left_alone")},
    (wire.UNDO_LEFTOVER,),
)
FENCE_ANSWERS = Metric(
    "order_saga_fence_answers",
    "Answers of the ledgers' fences",
    {
        "service": SERVICES,
        "answer": (
            *("applied", "refused", "reversed", "nothing_to_reverse", "settled"),
            *("repeated", "too_late", "already_placed", "conflict"),
        ),
    },
)
WAITING = Metric(
    "order_saga_waiting",
    "Entries of the inbox, as listed by Temporal",
    {"kind": ("order", "dead_letter", "leftover", "wedged_run", "paused_run")},
)
OLDEST = Metric(
    "order_saga_waiting_oldest_seconds",
    "Time since the oldest of these was parked; 0 if none is",
    {"kind": ("order", "dead_letter", "leftover")},
)
LISTED_AT = Metric(
    "order_saga_waiting_listed_at_seconds",
    "Time at which Temporal was last asked for what waits, in seconds since 1970",
)

COUNTERS = (OUTCOMES, COMPENSATIONS, DELIVERIES, RECONCILIATIONS, RECONCILED, FENCE_ANSWERS)
GAUGES = (WAITING, OLDEST, LISTED_AT)
METRICS = (*COUNTERS, DURATION, *GAUGES)
