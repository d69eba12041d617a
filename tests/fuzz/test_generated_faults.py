"""Whatever happens, to whichever orders, at whatever instant: all or nothing.

``make fuzz`` runs it for as long as it is told; as a part of the tests it takes some seconds, and
plays the same scenarios each time.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from temporalio.testing import WorkflowEnvironment

from cli.modes import Mode
from tests.conformance.hurry import hurry
from tests.fuzz.scenario import Scenario, scenarios
from tests.fuzz.world import play

#: Seconds for each mode; 0 means the short, repeatable run.
BUDGET = float(os.environ.get("FUZZ_SECONDS", "0"))
_SHORT = 12.0


@pytest.fixture(scope="module", autouse=True)
def seconds_for_minutes() -> Iterator[None]:
    """The product's policies, hurried."""
    with pytest.MonkeyPatch.context() as patch:
        hurry(patch, attempt=0.6)
        yield
    _clock.tell()


@pytest.mark.parametrize("mode", Mode)
@given(data=st.data())
@settings(
    max_examples=100_000 if BUDGET else 25,
    deadline=None,
    derandomize=not BUDGET,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink] if BUDGET else [Phase.generate],
)
async def test_every_order_ends_with_all_or_nothing(
    env: WorkflowEnvironment, mode: Mode, data: st.DataObject
) -> None:
    scenario = data.draw(scenarios(mode))
    if _clock.is_over(mode):
        return
    _clock.count(mode, scenario)
    note(scenario.as_toml())
    try:
        report = await play(env, scenario)
        assert report.violations == ()
        assert report.in_flight == 0
    except BaseException:
        _clock.stop()  # what was found is shrunk, however long that takes
        raise


class _Clock:
    """How long each mode has been at it."""

    def __init__(self) -> None:
        self._began: dict[Mode, float] = {}
        self._stopped = False
        self._scenarios: Counter[Mode] = Counter()
        self._orders: Counter[Mode] = Counter()

    def count(self, mode: Mode, scenario: Scenario) -> None:
        """One more is played."""
        self._scenarios[mode] += 1
        self._orders[mode] += len(scenario.stories)

    def tell(self) -> None:
        """Say how many were played."""
        for mode, scenarios_ in self._scenarios.items():
            print(f"\n{mode.value}: {scenarios_} scenarios, {self._orders[mode]} orders", end="")
        print()

    def is_over(self, mode: Mode) -> bool:
        began = self._began.setdefault(mode, time.monotonic())
        return not self._stopped and time.monotonic() - began > (BUDGET or _SHORT)

    def stop(self) -> None:
        self._stopped = True


_clock = _Clock()
