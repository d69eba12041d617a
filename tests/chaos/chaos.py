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
from tests.acceptance.system import ROOT, a_system, wait_until
from tests.chaos.books import Books
from tests.chaos.proxy import Proxy
from tests.chaos.reckoning import Reckoning, reckon
from tests.chaos.shop import Shop, settle
from tests.chaos.trouble import Trouble
from tests.chaos.workers import Workers

HOSTILE = ROOT / "examples" / "faults" / "hostile.toml"
#: Seconds after which an order gives up what never comes.
DEADLINE = 20


class Chaos(NamedTuple):
    """What was done, and what became of it."""

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
        seconds: of trouble; each kind comes once in any case.
        orders: in each mode; when they have all ended before the time is up, more are placed.
        deadline: seconds that each order gets.
    """
    chance = random.Random(seed)
    with a_system(folder) as system:
        proxy = Proxy(system.address)
        shops = [Shop(system, mode, proxy.address, orders, deadline) for mode in Mode]
        workers = Workers(system, proxy.address, HOSTILE)
        trouble = Trouble(system, proxy, workers, chance, partial(_keep_busy, shops))
        done, impossible = _break_things(trouble, workers, shops, chance, seconds, say)
        say("the trouble is over; the orders that are left go on")
        trouble.thaw()
        workers.revive()
        decisions = settle(system, shops)
        books = Books(system.data_dir)
        found = reckon(system, shops, books)
        return Chaos(done, impossible, books.faults(HOSTILE), decisions, found)


def _break_things(
    trouble: Trouble,
    workers: Workers,
    shops: list[Shop],
    chance: random.Random,
    seconds: float,
    say: Callable[[str], None],
) -> tuple[Counter[str], dict[str, str]]:
    done: Counter[str] = Counter()
    impossible: dict[str, str] = {}
    began = time.monotonic()
    for round_, name, disturb in _rounds(trouble, chance):
        if round_ and time.monotonic() - began > seconds:
            break
        workers.revive()
        wait_until(partial(_under_way, shops), "orders in flight")
        time.sleep(chance.uniform(0, 0.5))
        said = f"{time.monotonic() - began:5.0f} s  {name}"
        try:
            hit = disturb()
        except NotImplementedError as error:
            impossible[name] = str(error)
            say(f"{said}: {error}")
            continue
        done[name] += hit
        say(f"{said}{'' if hit else ', in vain'}")
    return done, impossible


def _keep_busy(shops: list[Shop]) -> None:
    for shop in shops:
        shop.keep_busy()


def _under_way(shops: list[Shop]) -> bool:
    _keep_busy(shops)
    return all(shop.is_under_way for shop in shops)


def _rounds(
    trouble: Trouble, chance: random.Random
) -> Iterator[tuple[int, str, Callable[[], int]]]:
    """Every kind of trouble, in another order each time, for ever; with the number of rounds."""
    kinds, round_ = list(trouble.kinds().items()), 0
    while True:
        for name, disturb in chance.sample(kinds, len(kinds)):
            yield round_, name, disturb
        round_ += 1
