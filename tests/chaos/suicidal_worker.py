"""The product's worker, which kills itself at chosen points of an operation: for the chaos only.

``CHAOS_KILLS`` names a file that takes a line for each death; ``CHAOS_ODDS`` is the chance of each
point of each operation to be the last one.
"""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

from sqlalchemy import Engine, event

import worker
from runtime.exits import run
from runtime.logs import log_to_terminal
from services.mock import Services, open_services
from tests.watched import WatchedServices

_ODDS = float(os.environ["CHAOS_ODDS"])
_KILLS = Path(os.environ["CHAOS_KILLS"])


def _maybe_die(point: str) -> None:
    if random.random() < _ODDS:
        with _KILLS.open("a") as kills:
            kills.write(f"{point}\n")
        os.kill(os.getpid(), signal.SIGKILL)


def _watch(operation: str, order_id: str, *, after: bool) -> None:
    _maybe_die("after the effect, before its reply" if after else "before the effect")


def _open_watched(*arguments: object, **named: object) -> Services:
    services = open_services(*arguments, **named)  # type: ignore[arg-type]

    @event.listens_for(Engine, "commit")
    def _written_but_not_committed(_connection: object) -> None:
        _maybe_die("between effect and commit")

    return WatchedServices.of(services, _watch)


if __name__ == "__main__":
    vars(worker)["open_services"] = _open_watched
    log_to_terminal()
    run(worker.main)
