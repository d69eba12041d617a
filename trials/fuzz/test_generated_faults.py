"""Generated scenarios: in spite of any fault, an order leaves all of its effects or none.

``make fuzz`` plays new scenarios for a given time. As a part of the tests, a run takes some
seconds and always plays the same scenarios.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import time
from collections.abc import Callable, Coroutine, Iterator

import pytest
from hypothesis import HealthCheck, given, note, seed, settings
from temporalio.testing import WorkflowEnvironment

from cli.modes import Mode
from tests.harness.policies import changed_policies
from trials.fuzz.playing import play
from trials.fuzz.scenario import Scenario
from trials.fuzz.strategies import scenarios

# Shrinking a failing scenario takes long.
pytestmark = pytest.mark.timeout(0)

#: Seconds for each mode; 0 means the short run, which always plays the same scenarios.
BUDGET = float(os.environ.get("FUZZ_SECONDS", "0"))
_SHORT = 12.0
_BATCH = 15


@pytest.fixture(scope="module", autouse=True)
def seconds_for_minutes() -> Iterator[None]:
    """The product's policies, hurried."""
    with changed_policies(
        attempt=0.6,
        fast=0.6,
        undo_attempt=0.6,
        pause=0.02,
        undo_pause=0.1,
        attempts=6,
        quiet=1,
        undone_within=2,
        follow_up=1,
    ):
        yield


@pytest.mark.parametrize("mode", Mode)
async def test_every_order_ends_with_all_or_nothing(env: WorkflowEnvironment, mode: Mode) -> None:
    loop = asyncio.get_running_loop()
    fuzzer = _Fuzzer(mode, lambda scenario: _check(env, scenario), loop)
    # Hypothesis is synchronous, so it runs in a thread and the event loop stays free.
    await asyncio.to_thread(fuzzer.run, BUDGET or _SHORT)
    assert fuzzer.scenarios > 0


class _Fuzzer:
    """Fuzzer that plays batches of scenarios until its time is over or one of them fails."""

    def __init__(
        self,
        mode: Mode,
        check: Callable[[Scenario], Coroutine[None, None, None]],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._mode = mode
        self._check = check
        self._loop = loop
        self.scenarios = 0
        self.orders = 0

    def run(self, seconds: float) -> None:
        """Play for this time; shrinking a failing scenario may take longer."""
        ends = time.monotonic() + seconds
        for number in itertools.count() if not BUDGET else iter(lambda: secrets.randbits(32), -1):
            if time.monotonic() > ends:
                break
            self._play_batch(number, ends)
        print(f"\n{self._mode.value}: {self.scenarios} scenarios, {self.orders} orders")

    def _play_batch(self, number: int, ends: float) -> None:
        found = False

        @seed(number)
        @settings(
            max_examples=_BATCH,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(scenarios(self._mode))
        def batch(scenario: Scenario) -> None:
            nonlocal found
            if not found and time.monotonic() > ends:
                return
            self.scenarios, self.orders = self.scenarios + 1, self.orders + len(scenario.stories)
            note(scenario.as_toml())
            played = asyncio.run_coroutine_threadsafe(self._check(scenario), self._loop)
            try:
                played.result()
            except Exception as error:
                if not found:
                    print(f"\na scenario fails; it is being shrunk:\n{scenario.as_toml()}")
                    print(f"{type(error).__name__}: {error}", flush=True)
                found = True
                raise

        batch()


async def _check(env: WorkflowEnvironment, scenario: Scenario) -> None:
    assert await play(env, scenario) == []
