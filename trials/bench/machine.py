"""CPU time of this machine and of our own processes, read from ``/proc``.

Times mean nothing if another program used the machine meanwhile. So each measurement also records
which share of the machine's CPUs went to processes that the bench did not start.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from pathlib import Path
from typing import NamedTuple

from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import Client

#: Share of all CPUs above which others have disturbed a measurement.
DISTURBED = 0.10

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")


class Reading(NamedTuple):
    """State of all clocks at one moment, in seconds."""

    at: float
    #: CPU time of all processes on the machine. Interrupts are not counted, because they may
    #: serve anybody; the time that a hypervisor gave to other machines is.
    machine: float
    #: CPU time of this process and all that it has started.
    ours: float


def read_clocks() -> Reading:
    """Read the clocks."""
    user, nice, system, _idle, _wait, _irq, _soft_irq, stolen = map(
        int, _PROC.joinpath("stat").read_text().split(maxsplit=9)[1:9]
    )
    machine = (user + nice + system + stolen) / _TICKS
    return Reading(time.monotonic(), machine, cpu_of_tree(os.getpid()))


def foreign_share(before: Reading, after: Reading, cpus: int) -> float:
    """Return the share of all CPUs, from 0 to 1, that other processes used between two readings."""
    foreign = (after.machine - before.machine) - (after.ours - before.ours)
    return max(0.0, foreign / ((after.at - before.at) * cpus))


def cpu_of(pid: int) -> float:
    """Return the CPU time that a process has used, in seconds."""
    user, system = _stat(pid)[11:13]
    return (int(user) + int(system)) / _TICKS


def cpu_of_tree(root: int) -> float:
    """Return the CPU time of a process and all that it has started, in seconds."""
    stats: dict[int, list[str]] = {}
    for folder in _PROC.glob("[0-9]*"):
        try:
            stats[int(folder.name)] = _stat(int(folder.name))
        except OSError:  # it has ended
            continue
    tree, found = [root], 0
    while found < len(tree):
        tree += [pid for pid, stat in stats.items() if int(stat[1]) == tree[found]]
        found += 1
    # The last two numbers are of children that have ended.
    return sum(sum(map(int, stats[pid][11:15])) for pid in tree if pid in stats) / _TICKS


async def described(client: Client) -> list[str]:
    """Return what the times depend on: the machine, and versions."""
    server = await client.workflow_service.get_system_info(GetSystemInfoRequest())
    return [
        f"{os.cpu_count()} CPUs",
        f"{platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}",
        f"temporalio {importlib.metadata.version('temporalio')}",
        f"Temporal server {server.server_version}",
    ]


def _stat(pid: int) -> list[str]:
    """Return the fields after the program's name, which may contain spaces."""
    return _PROC.joinpath(str(pid), "stat").read_text().rpartition(")")[2].split()
