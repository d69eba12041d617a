"""Customers who place orders all the time, and the operator who decides about parked ones."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial

from cli.modes import Mode
from cli.simulation.fates import Summary
from runs.visibility import IS_PARKED
from tests.harness.running import Running
from tests.harness.system import System
from trials.chaos.ledgers import Ledgers

#: Seconds within which all orders have to end after the last fault.
PATIENCE = 300.0
_NO_SERVER = 3


class Customers:
    """Places orders in one mode, batch after batch, whatever happens."""

    def __init__(
        self,
        system: System,
        ledgers: Ledgers,
        mode: Mode,
        address: str,
        orders: int,
        deadline: int,
    ) -> None:
        """Describe it.

        Args:
            address: address of the Temporal server.
            orders: number of orders in a batch.
            deadline: deadline of each order in seconds.
        """
        self.mode = mode
        self._system = system
        self._ledgers = ledgers
        self._address = address
        self._orders = orders
        self._deadline = deadline
        self._batches: list[Running] = []

    @property
    def is_busy(self) -> bool:
        """Tell whether it still places orders or waits for their end."""
        return bool(self._batches) and self._batches[-1].process.poll() is None

    @property
    def is_under_way(self) -> bool:
        """Tell whether orders of the last batch have reached the first service."""
        arrived = f"SELECT 1 FROM fence WHERE saga_id LIKE '{self.prefix()}%' LIMIT 1"
        return any(self._ledgers.rows("inventory", arrived))

    def keep_busy(self) -> None:
        """Start another batch if the last one has ended."""
        if self.is_busy:
            return
        if self._batches and self._batches[-1].process.poll() == _NO_SERVER:
            self._batches.pop()  # it failed because of a fault, and has placed no order
        number = len(self._batches) + 1
        self._batches.append(
            self._system.start(
                *("starter.py", "simulate", "--mode", self.mode.value, "--json"),
                *("--orders", str(self._orders), "--concurrency", "10"),
                *("--deadline", str(self._deadline), "--seed", str(number)),
                *("--prefix", self._batch(number)),
                TEMPORAL_ADDRESS=self._address,
            )
        )

    def prefix(self, number: int = 0) -> str:
        """Return the beginning of a batch's workflow ids, by default of the last batch."""
        return f"{self.mode.saga_id(self._batch(number or len(self._batches)))}-"

    def _batch(self, number: int) -> str:
        """Return the beginning of its order ids: an order cannot be placed in both modes."""
        return f"chaos-{self.mode.value}-{number}"

    def told(self) -> Iterator[tuple[str, Summary]]:
        """Yield what the customers of each batch were told, by :meth:`prefix`."""
        for number, batch in enumerate(self._batches, start=1):
            code, words = batch.process.wait(PATIENCE), batch.output()
            if code == _NO_SERVER:
                continue  # it has printed nothing
            assert code in (0, 1), words
            yield self.prefix(number), Summary.model_validate_json(words[words.index("{\n") :])


def settle(system: System, customers: list[Customers]) -> int:
    """Wait for the end of everything; returns how many decisions an operator had to make."""
    deadline, decisions = time.monotonic() + PATIENCE, 0
    while _in_flight(system, customers) and time.monotonic() < deadline:
        if system.count(IS_PARKED):
            decisions += sum(_decide(system, item) for item in inbox(system))
        time.sleep(1)
    return decisions


def _in_flight(system: System, customers: list[Customers]) -> bool:
    placing = any(group.is_busy for group in customers)
    return placing or system.count('ExecutionStatus = "Running"') > 0


def inbox(system: System) -> list[dict[str, object]]:
    """Return the inbox: everything that waits for an operator."""
    found = json.loads(system.starter("inbox", "--json").stdout or "[]")
    assert isinstance(found, list)
    return found


def _decide(system: System, item: dict[str, object]) -> int:
    """Retry the parked compensations of an order, or a parked event of it."""
    order = ("resolve", str(item["order_id"]), "--mode", str(item["mode"]))
    retry = partial(system.starter, *order, "--note", "the trouble is over")
    if "event_type" in item:
        retry("--step", f"{item['event_type']}/{item['subscriber']}", "--action", "replay")
        return 1
    saga = item["saga"]
    if not isinstance(saga, dict):
        return 0  # nobody told where it stands
    steps = [step["name"] for step in saga["steps"] if step["state"] == "needs_intervention"]
    for step in steps:
        retry("--step", step, "--action", "retry")
    return len(steps)
