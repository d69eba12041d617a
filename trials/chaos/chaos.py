"""Orders of both modes in flight during faults of every kind, and a check of the outcome."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from cli.modes import Mode
from tests.harness.children import ROOT
from tests.harness.keys import key_file
from tests.harness.postgres import postgres_server
from tests.harness.system import a_system
from tests.harness.waiting import wait_until
from trials.chaos.books import Books
from trials.chaos.customers import Customers, settle
from trials.chaos.disturbances import Disturbances
from trials.chaos.failpoints import Failpoints
from trials.chaos.ledgers import PostgresLedgers, SqliteLedgers
from trials.chaos.proxy import Proxy
from trials.chaos.reckoning import Reckoning, readable_words, reckon
from trials.chaos.workers import Workers

HOSTILE = ROOT / "examples" / "faults" / "hostile.toml"
#: Deadline of an order in seconds.
DEADLINE = 20
#: Additional seconds for kinds of faults that have had no effect yet.
_EXTRA_TIME = 90.0


class Chaos(NamedTuple):
    """Account of the faults and of the orders' outcomes."""

    #: Number of effective faults of each kind; 0 if none had an effect.
    done: Counter[str]
    #: Kinds that are not possible on this machine, with the reason.
    impossible: dict[str, str]
    #: Number of faults that the fault plan has caused.
    planned: int
    #: Number of decisions that an operator had to make.
    decisions: int
    reckoning: Reckoning


def run(
    folder: Path,
    seconds: float,
    orders: int,
    seed: int,
    say: Callable[[str], None],
    deadline: int = DEADLINE,
    *,
    fast_path: bool = False,
    encrypted: bool = False,
    postgres: bool = False,
) -> Chaos:
    """Cause faults with orders in flight, wait until every order has ended, and count.

    Args:
        seconds: duration of the faults. It grows a little until each kind has had an effect.
        orders: number of orders in each mode. When all have ended early, more are placed.
        deadline: deadline of each order in seconds.
        fast_path: whether the workers take the fast path.
        encrypted: whether workers and customers encrypt. Then a word of an order in the server's
            database counts as a violation.
        postgres: whether the ledgers are databases of a PostgreSQL server, on which faults are
            caused as well.
    """
    chance = random.Random(seed)
    with ExitStack() as stack:
        server = stack.enter_context(postgres_server()) if postgres else None
        system = stack.enter_context(a_system(folder))
        failpoints = Failpoints(folder / "failpoints")
        ledgers = PostgresLedgers(server) if server else SqliteLedgers(system.data_dir, failpoints)
        for service, url in ledgers.urls.items():
            system.env[f"ORDER_SAGA_{service.upper()}_URL"] = url
        if encrypted:
            system.env["ORDER_SAGA_ENCRYPTION_KEYS"] = key_file(folder / "keys")
        proxy = Proxy(system.address)
        customers = [
            Customers(system, ledgers, mode, proxy.address, orders, deadline) for mode in Mode
        ]
        workers = Workers(system, failpoints, proxy.address, HOSTILE, fast_path=fast_path)
        keep_busy = partial(_keep_busy, customers)
        disturbances = Disturbances(system, proxy, workers, ledgers, chance, keep_busy)
        done, impossible = _break_things(disturbances, workers, customers, chance, seconds, say)
        say("the trouble is over; the orders that are left go on")
        disturbances.thaw()
        workers.revive()
        decisions = settle(system, customers)
        books = Books(ledgers)
        found = reckon(system, customers, books)
        if encrypted:
            found.violations.extend(readable_words(system))
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
    """Yield every kind of fault again and again, in another order each time."""
    while True:
        yield from chance.sample(kinds, len(kinds))
