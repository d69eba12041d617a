"""Orders of both kinds in flight while everything around them breaks; then the reckoning."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from cli.modes import Mode
from tests.acceptance.system import ROOT, Running, System, a_system
from tests.chaos.trouble import Victims

HOSTILE = ROOT / "examples" / "faults" / "hostile.toml"
#: Seconds after which an order gives up what never comes.
DEADLINE = 20
#: Seconds that orders get to end once the trouble is over.
PATIENCE = 300.0


class Reckoning(NamedTuple):
    """What became of it all."""

    orders: int
    #: Orders that succeeded, as the ledgers have it.
    stand: int
    done: Counter[str]
    failed_attempts: int
    decisions: int
    #: Orders that never ended, or of which something is left that should not be.
    lost: int
    #: Effects that an order had twice.
    doubled: int
    violations: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing was lost, doubled or left behind."""
        return not (self.lost or self.doubled or self.violations)


def run(
    folder: Path,
    seconds: float,
    orders: int,
    seed: int,
    say: Callable[[str], None],
    deadline: int = DEADLINE,
) -> Reckoning:
    """Break everything for so long, with orders in flight; then let it settle, and count.

    Args:
        orders: in each mode; when they have all ended before the time is up, more are placed.
        deadline: seconds that each order gets.
    """
    chance = random.Random(seed)
    with a_system(folder) as system:
        victims = Victims(system, HOSTILE, chance)
        victims.start_workers()
        shops = [_Shop(system, mode, orders, deadline) for mode in Mode]
        done = _break_things(victims, shops, time.monotonic() + seconds, say)
        say("the trouble is over; the orders that are left go on")
        victims.retire()
        decisions = sum(shop.settle() for shop in shops)
        decisions += _discard_letters(system)
        system.starter("reconcile")
        return _reckon(system, shops, victims, done, decisions)


def _break_things(
    victims: Victims, shops: list[_Shop], until: float, say: Callable[[str], None]
) -> Counter[str]:
    done: Counter[str] = Counter()
    began = time.monotonic()
    for name, disturb in _round_robin(victims):
        if time.monotonic() > until:
            return done
        for shop in shops:
            shop.keep_busy()
        try:
            hit = disturb()
        except NotImplementedError as error:
            say(f"{time.monotonic() - began:5.0f} s  {name}: {error}")
            continue
        done[name] += hit
        say(f"{time.monotonic() - began:5.0f} s  {name}{'' if hit else ', in vain'}")
        victims.revive()
        time.sleep(1)
    raise AssertionError("there is always more trouble")


def _round_robin(victims: Victims) -> Iterator[tuple[str, Callable[[], bool]]]:
    while True:
        yield from victims.kinds().items()


class _Shop:
    """Places orders in one mode, batch after batch, whatever happens."""

    def __init__(self, system: System, mode: Mode, orders: int, deadline: int) -> None:
        self._system = system
        self._mode = mode
        self._orders = orders
        self._deadline = deadline
        self.batches: list[Running] = []
        self.keep_busy()

    @property
    def placed(self) -> int:
        """Orders of all batches."""
        return self._orders * len(self.batches)

    def keep_busy(self) -> None:
        """Begin another batch if the last one has ended."""
        if self.batches and self.batches[-1].process.poll() is None:
            return
        self.batches.append(
            self._system.start(
                *("starter.py", "simulate", "--mode", self._mode.value),
                *("--orders", str(self._orders), "--concurrency", "10"),
                *("--deadline", str(self._deadline), "--seed", str(len(self.batches))),
                *("--prefix", f"chaos-{len(self.batches)}"),
            )
        )

    def settle(self) -> int:
        """Wait for the last batch; returns how many decisions an operator had to make."""
        self.batches[-1].process.wait(PATIENCE)
        deadline, decisions = time.monotonic() + PATIENCE, 0
        while self._open():
            if time.monotonic() > deadline:
                break  # the reckoning counts them as lost
            decisions += self._retry_what_is_parked()
            time.sleep(0.5)
        return decisions

    def _open(self) -> int:
        query = f'WorkflowType = "{self._mode.workflow}" AND ExecutionStatus = "Running"'
        answer = self._system.temporal("workflow", "count", "--query", query).stdout
        return int("".join(filter(str.isdigit, answer)) or 0)

    def _retry_what_is_parked(self) -> int:
        waiting = [item for item in _inbox(self._system) if item["mode"] == self._mode.value]
        decisions = 0
        for item in waiting:
            for step in _steps_that_wait(item):
                action = "retry" if self._mode is Mode.ORCHESTRATION else "replay"
                self._system.starter(
                    *("resolve", str(item["order_id"]), "--mode", self._mode.value),
                    *("--step", step, "--action", action, "--note", "the trouble is over"),
                )
                decisions += 1
        return decisions


def _inbox(system: System) -> list[dict[str, object]]:
    found = json.loads(system.starter("inbox", "--json").stdout or "[]")
    assert isinstance(found, list)
    return found


def _steps_that_wait(item: dict[str, object]) -> list[str]:
    if "event_type" in item:
        return [f"{item['event_type']}/{item['subscriber']}"]
    saga = item["saga"]
    assert isinstance(saga, dict)
    return [step["name"] for step in saga["steps"] if step["state"] == "needs_intervention"]


def _discard_letters(system: System) -> int:
    """What is still a dead letter belongs to an order that has ended by its deadline."""
    letters = [item for item in _inbox(system) if "event_type" in item]
    for item in letters:
        system.starter(
            *("resolve", str(item["order_id"]), "--mode", "choreography"),
            *("--step", *_steps_that_wait(item)),
            *("--action", "discard", "--note", "its order is over"),
        )
    return len(letters)


def _reckon(
    system: System, shops: list[_Shop], victims: Victims, done: Counter[str], decisions: int
) -> Reckoning:
    audit = system.starter_json("audit")
    problems = [str(v["problem"]) for v in _listed(audit["violations"])]
    doubled = sum("times to" in problem for problem in problems)
    still_open, known = audit["in_flight"], audit["sagas"]
    assert isinstance(still_open, int)
    assert isinstance(known, int)
    placed = sum(shop.placed for shop in shops)
    left = {v["run_id"] for v in _listed(audit["violations"]) if v["run_id"]}
    stand = audit["succeeded"]
    assert isinstance(stand, int)
    return Reckoning(
        orders=placed,
        stand=stand,
        done=done + victims.suicides(),
        failed_attempts=victims.failed_attempts(),
        decisions=decisions,
        lost=still_open + max(0, placed - known) + len(left),
        doubled=doubled,
        violations=tuple(problems),
    )


def _listed(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value
