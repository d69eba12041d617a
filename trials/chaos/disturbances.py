"""Faults of every kind for the running system, one after the other."""

from __future__ import annotations

import os
import random
import resource
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Timer

from messages.participants import SERVICES
from tests.harness.system import System
from tests.harness.waiting import wait_until
from trials.chaos.failpoints import Point
from trials.chaos.ledgers import Ledgers, PostgresLedgers
from trials.chaos.proxy import Proxy
from trials.chaos.workers import Workers, kill

#: Seconds within which a fault must have had an effect.
_PATIENCE = 12.0


class Disturbances:
    """Everything that can be done to server, workers, ledgers and the connection."""

    def __init__(
        self,
        system: System,
        proxy: Proxy,
        workers: Workers,
        ledgers: Ledgers,
        chance: random.Random,
        place_orders: Callable[[], None],
    ) -> None:
        """Take the parts of the system on which the faults are caused.

        Args:
            place_orders: makes sure that orders are in flight; it is called repeatedly.
        """
        self._system = system
        self._proxy = proxy
        self._workers = workers
        self._ledgers = ledgers
        self._chance = chance
        self._place_orders = place_orders
        self._thaws: list[Timer] = []

    def kinds(self) -> dict[str, Callable[[], int]]:
        """Return every kind of fault by name. Each one returns how often it had an effect."""
        return {
            "one of two workers killed": self.kill_one_worker,
            "both workers killed": self.kill_all_workers,
            **{f"worker killed {p.value}": partial(self.kill_at, p) for p in Point},
            "one of two workers frozen": self.freeze_one_worker,
            "Temporal server killed": self.kill_the_server,
            "Temporal server frozen": self.freeze_the_server,
            "connection cut": self.cut_the_connection,
            "ledger locked": self.lock_a_ledger,
            "ledger read-only": self.protect_a_ledger,
            "disk full": self.fill_the_disk,
            **self._kinds_of_postgres(),
        }

    def _kinds_of_postgres(self) -> dict[str, Callable[[], int]]:
        if not isinstance(self._ledgers, PostgresLedgers):
            return {}
        server, gone = self._ledgers.server, self._ledgers.gone

        def kill() -> int:
            hit = self._felt(*gone, cause=server.kill)
            server.start()
            return hit

        def restart() -> None:
            server.stop(signal.SIGQUIT)
            server.start()

        return {
            "PostgreSQL server killed": kill,
            "PostgreSQL server restarted": partial(self._felt, *gone, cause=restart),
        }

    def kill_one_worker(self) -> int:
        """Kill one of the two workers at a random instant."""
        wait_until(lambda: len(self._workers.polling()) == 2, "two workers")
        return kill(self._chance.choice(self._workers.both))

    def kill_all_workers(self) -> int:
        """Kill both workers."""
        return sum([kill(worker) for worker in self._workers.both])

    def kill_at(self, point: Point) -> int:
        """Let the first worker that comes to the point die there."""
        failpoints = self._workers.failpoints
        failpoints.order(point)
        self._wait(lambda: not failpoints.is_pending(point))
        return not failpoints.revoke(point)

    def freeze_one_worker(self) -> int:
        """Freeze a worker, so that its effects happen after their attempts have timed out.

        It stays frozen while there is other disturbances.
        """
        worker = self._chance.choice(self._workers.polling())
        worker.send(signal.SIGSTOP)
        thaw = Timer(self._chance.uniform(8, 14), worker.send, [signal.SIGCONT])
        thaw.start()
        self._thaws.append(thaw)
        return 1

    def thaw(self) -> None:
        """Wait until no worker is frozen any more."""
        for thaw in self._thaws:
            thaw.join()

    def kill_the_server(self) -> int:
        """Kill the Temporal server, which is then restarted on the same database."""
        os.kill(self._system.server_pid(), signal.SIGKILL)
        return 1

    def freeze_the_server(self) -> int:
        """Freeze the server: connections stay open, but there is no answer."""
        pid = self._system.server_pid()
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self._chance.uniform(1, 3))
        os.kill(pid, signal.SIGCONT)
        return 1

    def cut_the_connection(self) -> int:
        """Cut the connection to the running server until a client has tried to reconnect."""
        broken, turned_away = self._proxy.broken, self._proxy.turned_away
        self._proxy.cut()
        wait_until(lambda: self._proxy.turned_away > turned_away, "a new connection")
        time.sleep(self._chance.uniform(0, 3))
        self._proxy.mend()
        return self._proxy.broken > broken

    def lock_a_ledger(self) -> int:
        """Lock a service's database for longer than any worker waits."""
        with self._ledgers.locked(self._chance.choice(SERVICES)):
            return self._felt(self._ledgers.locked_out)

    def protect_a_ledger(self) -> int:
        """Make a service's database read-only."""
        with self._ledgers.read_only(self._chance.choice(SERVICES)):
            return self._felt(self._ledgers.not_writable)

    def fill_the_disk(self) -> int:
        """Limit the size of a worker's files, its ledgers included."""
        if isinstance(self._ledgers, PostgresLedgers):
            raise NotImplementedError("a worker has no ledger files whose size can be limited")
        if not hasattr(resource, "prlimit"):
            raise NotImplementedError("this system cannot limit the files of another process")
        limits = {}
        for worker in self._workers.both:
            # Leave room in the worker's log for its error messages.
            room = worker.log.stat().st_size + 100_000
            with suppress(ProcessLookupError):
                pid = worker.process.pid
                _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
                limits[pid] = hard
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (room, hard))
        full = ("disk I/O error", "database or disk is full")
        hit = self._felt(*(f" ledger: {complaint} (LedgerUnavailable)" for complaint in full))
        for pid, hard in limits.items():
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
        return hit

    def _felt(self, *phrases: str, cause: Callable[[], None] = lambda: None) -> int:
        """Wait until a worker has said one of these, since an attempt of an activity has failed."""
        before = self._workers.complaints(*phrases)
        cause()
        self._wait(lambda: self._workers.complaints(*phrases) > before)
        time.sleep(self._chance.uniform(0, 1))
        return self._workers.complaints(*phrases) > before

    def _wait(self, hit: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not hit() and time.monotonic() < deadline:
            self._place_orders()
            time.sleep(0.1)


def is_crash(kind: str) -> bool:
    """Tell whether a fault of this kind kills a process."""
    return "killed" in kind
