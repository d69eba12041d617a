"""What is done to the running system, one kind after the other."""

from __future__ import annotations

import os
import random
import resource
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from tests.acceptance.system import Running, System, wait_until

SERVICES = ("inventory", "payment", "shipping", "loyalty")


class Victims:
    """The system's processes, each of which is started again when it has been killed."""

    def __init__(self, system: System, faults: Path, chance: random.Random) -> None:
        self.system = system
        self._faults = faults
        self._chance = chance
        self._kills = system.folder / "kills"
        self._kills.touch()
        self.workers: list[Running] = []
        self.logs: list[Running] = []

    def start_workers(self) -> None:
        """One that works as it should, and one that kills itself now and then."""
        self.workers = [self._reliable(), self._suicidal()]
        self.revive()

    def revive(self) -> None:
        """Start again whatever is dead, and wait until everybody works."""
        for number, worker in enumerate(self.workers):
            if worker.process.poll() is not None:
                self.workers[number] = self._reliable() if number == 0 else self._suicidal()
        for worker in self.workers:
            wait_until(partial(_is_at_it, worker), "a worker that polls")

    def retire(self) -> None:
        """No more suicides: an undisturbed worker takes over."""
        for worker in self.workers:
            worker.process.kill()
            worker.process.wait()
        self.workers = [self._reliable()]

    def suicides(self) -> Counter[str]:
        """How the suicidal worker died, by point."""
        return Counter(f"worker killed {point}" for point in self._kills.read_text().splitlines())

    def failed_attempts(self) -> int:
        """Attempts that failed because of the fault plan or of what was done to the ledgers."""
        return sum(log.output().count("Completing activity as failed") for log in self.logs)

    def _reliable(self) -> Running:
        return self._started("worker.py")

    def _suicidal(self) -> Running:
        return self._started(
            "-m",
            "tests.chaos.suicidal_worker",
            CHAOS_ODDS="0.01",
            CHAOS_KILLS=str(self._kills),
        )

    def _started(self, *command: str, **env: str) -> Running:
        started = self.system.start(*command, ORDER_SAGA_FAULTS=str(self._faults), **env)
        self.logs.append(started)
        return started

    # What can be done to them; each takes a second or some.

    # True when it hit somebody.

    def kill_one_worker(self) -> bool:
        """One of two workers dies at a random instant."""
        return _kill(self._chance.choice(self.workers))

    def kill_all_workers(self) -> bool:
        """Nobody is left to work."""
        killed = [_kill(worker) for worker in self.workers]
        return all(killed)

    def kill_the_server(self) -> bool:
        """Temporal dies; who keeps it starts another one on its database."""
        os.kill(server_pid(self.system), signal.SIGKILL)
        return True

    def freeze_the_server(self) -> bool:
        """Connections stay open, and nothing answers."""
        pid = server_pid(self.system)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self._chance.uniform(1, 4))
        os.kill(pid, signal.SIGCONT)
        return True

    def lock_a_ledger(self) -> bool:
        """Another program writes to a service's database, for longer than anybody waits."""
        path = self._a_ledger()
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(self._chance.choice([1, 3, 11]))
            connection.execute("ROLLBACK")
        return True

    def fill_the_disk(self) -> bool:
        """No file of a worker can grow, its ledgers included; a hit if one of them had to."""
        pid, before = self.workers[0].process.pid, self.failed_attempts()
        try:
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, -1))
        except ProcessLookupError:
            return False
        time.sleep(self._chance.uniform(1, 3))
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
        return self.failed_attempts() > before

    def protect_a_ledger(self) -> bool:
        """A service's database turns read-only, where the file system can do that to root."""
        files = [f"{self._a_ledger()}{suffix}" for suffix in ("", "-wal")]
        files = [file for file in files if Path(file).exists()]
        protected = subprocess.run(["chattr", "+i", *files], capture_output=True, check=False)
        time.sleep(self._chance.uniform(1, 3))
        subprocess.run(["chattr", "-i", *files], capture_output=True, check=False)
        if protected.returncode:
            raise NotImplementedError("a file was not there, or cannot be protected from root")
        return True

    def _a_ledger(self) -> Path:
        return self.system.data_dir / f"{self._chance.choice(SERVICES)}.db"

    def kinds(self) -> dict[str, Callable[[], bool]]:
        """Everything that can be done, by what it is called."""
        return {
            "one of two workers killed": self.kill_one_worker,
            "Temporal server killed": self.kill_the_server,
            "ledger locked": self.lock_a_ledger,
            "all workers killed": self.kill_all_workers,
            "disk full": self.fill_the_disk,
            "Temporal server frozen": self.freeze_the_server,
            "ledger read-only": self.protect_a_ledger,
        }


def _is_at_it(worker: Running) -> bool:
    """Polls, or has killed itself already."""
    return "polling task queue" in worker.output() or worker.process.poll() is not None


def _kill(worker: Running) -> bool:
    """Kill and bury it; False when it was dead already."""
    alive = worker.process.poll() is None
    worker.process.kill()
    worker.process.wait()
    return alive


def server_pid(system: System) -> int:
    """Of the Temporal server itself, as the lock on the data directory names it."""
    while True:
        for pid in (system.data_dir / "lock").read_text().split():
            command = subprocess.run(
                ["ps", "-o", "command=", "-p", pid], capture_output=True, text=True, check=False
            )
            if "start-dev" in command.stdout:
                return int(pid)
        time.sleep(0.1)
