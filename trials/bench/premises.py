"""Premises of the capacity calculation: published limits and prices, and our own assumptions."""

from __future__ import annotations

from typing import NamedTuple

_DOCS = "https://docs.temporal.io"
_SERVER = (
    "https://github.com/temporalio/temporal/blob/6805caea59e35d0611ed96be69641b8d86bff11c"
    "/common/dynamicconfig"
)
_ASSUMED, _MEASURED = "assumed", "measured here"


class Premise(NamedTuple):
    """A number on which the calculation rests."""

    what: str
    value: float
    unit: str
    #: Address where it is published; or that it is an assumption, or a measurement of ours.
    source: str


class Tier(NamedTuple):
    """Price of a part of one month's actions."""

    #: Number of actions, in millions, at which the tier ends.
    ends_at: float
    #: US dollars for a million actions.
    price: float


REFUSED = Premise("orders that shipping refuses", 0.1, "of all", _ASSUMED)
BUSY = Premise("share of its limit to which anything is loaded", 0.5, "", _ASSUMED)
SHARD_WRITE = Premise("one write of a history shard, one at a time", 5, "ms", _ASSUMED)
SHARDS_OF_A_PROCESS = Premise(
    "history shards of a history process", 500, "", f"{_DOCS}/temporal-service/temporal-server"
)
MOST_SHARDS = Premise(
    "most history shards that are known to have run",
    131_072,
    "",
    f"{_DOCS}/temporal-service/temporal-server",
)
PARTITIONS = Premise("partitions of a task queue, default", 4, "", f"{_SERVER}/shared_constants.go")
PARTITION_TASKS = Premise("tasks that a partition passes on", 200, "per s", _ASSUMED)
FRONTEND_RPS = Premise(
    "requests to one frontend process, default", 2400, "per s", f"{_SERVER}/constants.go"
)
LEDGER_COMMITS = Premise("operations in one PostgreSQL database", 5000, "per s", _ASSUMED)
LEDGER_BYTES = Premise("rows of one order in all four ledgers", 5200, "bytes", _MEASURED)
RECONCILED = Premise("reconciler, for each order", 6, "ms", "operations.md#reconcile")
AUDITED = Premise("audit, for each new order", 0.3, "ms of CPU", _MEASURED)
RETENTION = Premise("retention of closed runs", 7, "days", "../docker/temporal-namespace.sh")
CLOUD_RETENTION = Premise(
    "retention in Temporal Cloud, default", 30, "days", f"{_DOCS}/cloud/limits"
)
OPEN = Premise("time for which an order is open", 10, "s", _ASSUMED)
CLOUD_APS = Premise("actions in a namespace, default limit", 500, "per s", f"{_DOCS}/cloud/limits")
TRU_APS = Premise(
    "actions for one resource unit (TRU)", 500, "per s", f"{_DOCS}/cloud/capacity-modes"
)
TRU_RPS = Premise(
    "requests for one resource unit (TRU)", 1500, "per s", f"{_DOCS}/cloud/capacity-modes"
)
MOST_TRUS = Premise(
    "TRUs that a namespace can have without asking", 12, "", f"{_DOCS}/cloud/capacity-modes"
)
ACTIVE = Premise("storage of open runs", 0.042, "$ per GBh", f"{_DOCS}/cloud/pricing")
RETAINED = Premise("storage of closed runs", 0.00105, "$ per GBh", f"{_DOCS}/cloud/pricing")
MONTH = Premise("a month", 744, "hours", f"{_DOCS}/cloud/pricing")

#: Pay as you go, plans Business and above: https://docs.temporal.io/cloud/pricing. Beyond the
#: last tier there is no published price but a smaller one, so its price is an upper bound.
TIERS = (
    Tier(5, 50),
    Tier(10, 45),
    Tier(20, 40),
    Tier(50, 35),
    Tier(100, 30),
    Tier(float("inf"), 25),
)

PREMISES = tuple(value for value in globals().values() if isinstance(value, Premise))
