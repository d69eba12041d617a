"""Orders of both kinds in flight while everything around them breaks; then the reckoning."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from cli.modes import Mode
from tests.harness.children import ROOT
from tests.harness.system import a_system
from tests.harness.waiting import wait_until
from trials.chaos.books import Books
from trials.chaos.customers import Customers, settle
from trials.chaos.disturbances import Disturbances
from trials.chaos.proxy import Proxy
from trials.chaos.reckoning import Reckoning, reckon
from trials.chaos.workers import Workers

HOSTILE = ROOT / "examples" / "faults" / "hostile.toml"
#: Seconds after which an order gives up what never comes.
DEADLINE = 20
#: Seconds that the kinds of trouble which have hit nobody yet get beyond the time.
_EXTRA_TIME = 90.0


class Chaos(NamedTuple):
    """Account of what was done, and of what became of it."""

    #: How often trouble of each kind has hit; 0: only in vain.
    done: Counter[str]
    #: Kinds that this machine cannot do, and why.
    impossible: dict[str, str]
    #: Faults that the fault plan put in the way of a call.
    planned: int
    #: Decisions that an operator had to make.
    decisions: int
    reckoning: Reckoning


def run(
    folder: Path,
    seconds: float,
    orders: int,
    seed: int,
    say: Callable[[str], None],
    deadline: int = DEADLINE,
) -> Chaos:
    """Break everything, with orders in flight; then let it settle, and count.

    Args:
        seconds: of trouble; or a little longer, until each kind has hit once.
        orders: in each mode; when they have all ended before the time is up, more are placed.
        deadline: seconds that each order gets.
    """
    chance = random.Random(seed)
    with a_system(folder) as system:
        proxy = Proxy(system.address)
        customers = [Customers(system, mode, proxy.address, orders, deadline) for mode in Mode]
        workers = Workers(system, proxy.address, HOSTILE)
        disturbances = Disturbances(system, proxy, workers, chance, partial(_keep_busy, customers))
        done, impossible = _break_things(disturbances, workers, customers, chance, seconds, say)
        say("the trouble is over; the orders that are left go on")
        disturbances.thaw()
        workers.revive()
        decisions = settle(system, customers)
        books = Books(system.data_dir)
        found = reckon(system, customers, books)
        return Chaos(done, impossible, books.faults(HOSTILE), decisions, found)


def _break_things(
    disturbances: Disturbances,
    workers: Workers,
    customers: list[Customers],
    chance: random.Random,
    seconds: float,
    say: Callable[[str], None],
) -> tuple[Counter[str], dict[str, str]]:
    kinds = disturbances.kinds()
    done: Counter[str] = Counter(dict.fromkeys(kinds, 0))
    impossible: dict[str, str] = {}
    began = time.monotonic()
    for name in _for_ever(list(kinds), chance):
        late = time.monotonic() - began - seconds
        missing = {kind for kind in kinds if not done[kind]} - impossible.keys()
        if late > 0 and (not missing or late > _EXTRA_TIME):
            break
        if name in impossible or (late > 0 and name not in missing):
            continue
        workers.revive()
        wait_until(partial(_under_way, customers), "orders in flight")
        time.sleep(chance.uniform(0, 0.5))
        said = f"{time.monotonic() - began:5.0f} s  {name}"
        try:
            hit = kinds[name]()
        except NotImplementedError as error:
            impossible[name] = str(error)
            del done[name]
            say(f"{said}: {error}")
            continue
        done[name] += hit
        say(f"{said}{'' if hit else ', in vain'}")
    return done, impossible


def _keep_busy(customers: list[Customers]) -> None:
    for group in customers:
        group.keep_busy()


def _under_way(customers: list[Customers]) -> bool:
    _keep_busy(customers)
    return all(group.is_under_way for group in customers)


def _for_ever(kinds: list[str], chance: random.Random) -> Iterator[str]:
    """Every kind of trouble, and all of them again, in another order each time."""
    while True:
        yield from chance.sample(kinds, len(kinds))
