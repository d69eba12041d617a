"""Pair of workers on which the faults are caused."""

from __future__ import annotations

from pathlib import Path

from tests.harness.running import Running
from tests.harness.system import System
from tests.harness.waiting import wait_until
from trials.chaos.failpoints import Failpoints

#: Time that one of the two waits for a locked ledger. The other uses the product's default.
_LOCK_MS = "1000"


class Workers:
    """Two workers on the same ledgers. One that has exited is started again."""

    def __init__(
        self,
        system: System,
        failpoints: Failpoints,
        address: str,
        faults: Path,
        *,
        fast_path: bool,
    ) -> None:
        """Start them.

        Args:
            failpoints: tells them what to suffer.
            address: address of the Temporal server.
            faults: the fault plan of their services.
            fast_path: whether they take the fast path.
        """
        self._system = system
        self._address = address
        self._faults = faults
        self._fast_path = str(fast_path)
        self.failpoints = failpoints
        self.both = [self._start(0), self._start(1)]
        self.revive()

    def revive(self) -> None:
        """Start again what has exited, and wait until the server and one worker respond."""
        wait_until(self._server_answers, "a server that answers")
        wait_until(self.polling, "a worker that polls")

    def polling(self) -> list[Running]:
        """Return the workers that poll; one that has exited is started again."""
        for number, worker in enumerate(self.both):
            if worker.process.poll() is not None:
                self.both[number] = self._start(number)
        return [worker for worker in self.both if "polling task queue" in worker.output()]

    def complaints(self, *phrases: str) -> int:
        """Count how often one of these messages is in their logs."""
        logs = [worker.output() for worker in self.both]
        return sum(log.count(phrase) for log in logs for phrase in phrases)

    def _start(self, number: int) -> Running:
        impatient = {} if number else {"CHAOS_LOCK_MS": _LOCK_MS}
        return self._system.start(
            *("-m", "trials.chaos.failing_worker"),
            ORDER_SAGA_FAULTS=str(self._faults),
            CHAOS_FAILPOINTS=str(self.failpoints.folder),
            ORDER_SAGA_FAST_PATH=self._fast_path,
            TEMPORAL_ADDRESS=self._address,
            **impatient,
        )

    def _server_answers(self) -> bool:
        return self._system.temporal("operator", "cluster", "health").returncode == 0


def kill(worker: Running) -> int:
    """Kill a worker and wait for its exit; return 0 if it had exited already."""
    alive = worker.process.poll() is None
    worker.process.kill()
    worker.process.wait()
    return int(alive)
