"""Strategies by which hypothesis generates scenarios."""

from __future__ import annotations

from typing import get_args

from hypothesis import strategies as st

from cli.modes import Mode
from tests.harness.steps import SERVICES, STEPS, UNDOS
from trials.fuzz.scenario import (
    THE_END,
    Interference,
    Interruption,
    OtherVersion,
    PlannedFault,
    Scenario,
    Story,
    Swap,
)


def _planned_faults() -> st.SearchStrategy[PlannedFault]:
    forward = st.builds(
        PlannedFault,
        operation=st.sampled_from(STEPS),
        kind=st.sampled_from(["refusal", "transient", "lost_reply", "delay", "permanent"]),
        times=st.one_of(st.integers(1, 3), st.none()),
        after=st.booleans(),
    )
    # A compensation that always fails would stay parked, so each one succeeds in the end.
    backward = st.builds(
        PlannedFault,
        operation=st.sampled_from(list(UNDOS.values())),
        kind=st.sampled_from(["transient", "lost_reply", "delay", "permanent"]),
        times=st.integers(1, 3),
        after=st.booleans(),
    )
    return st.one_of(forward, backward)


# An order has one end, and many come there.
_INSTANTS = st.sampled_from([*STEPS, *UNDOS.values(), *[THE_END] * 4])

_INTERRUPTIONS = st.builds(
    Interruption,
    what=st.sampled_from(get_args(Interference)),
    operation=_INSTANTS,
    after=st.booleans(),
    nth=st.one_of(st.integers(1, 8), st.integers(1, 30)),
    forgets=st.booleans(),
)

_STORIES = st.builds(
    Story,
    faults=st.lists(
        _planned_faults(), max_size=3, unique_by=lambda planned: (planned.operation, planned.kind)
    ).map(tuple),
    interruptions=st.lists(_INTERRUPTIONS, max_size=3).map(tuple),
    versions=st.lists(
        st.builds(
            OtherVersion,
            operation=st.sampled_from([*STEPS, *UNDOS.values()]),
            readable=st.booleans(),
        ),
        max_size=1,
    ).map(tuple),
    hurried=st.booleans(),
)

_SWAPS = st.builds(
    Swap,
    service=st.sampled_from(SERVICES),
    restored=st.booleans(),
    operation=_INSTANTS,
    after=st.booleans(),
)


def scenarios(mode: Mode) -> st.SearchStrategy[Scenario]:
    """Generate scenarios of up to four orders."""
    return st.builds(
        Scenario,
        mode=st.just(mode),
        seed=st.integers(0, 1000),
        scarce=st.booleans(),
        stories=st.lists(_STORIES, min_size=1, max_size=4).map(tuple),
        swap=st.one_of(st.none(), st.none(), _SWAPS),
        fast_path=st.booleans() if mode is Mode.ORCHESTRATION else st.just(False),
    )
