"""Directions of imports: the contracts in pyproject.toml, and those that follow from the table."""

from __future__ import annotations

import subprocess
import sys
from itertools import permutations
from pathlib import Path

import grimp
import pytest

from messages.participants import SERVICES


def test_every_import_goes_in_its_direction() -> None:
    lint = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert lint.returncode == 0, lint.stdout + lint.stderr


@pytest.mark.parametrize("room", ["messages", "messages.events", "activities", "services"])
def test_what_is_one_services_own_knows_nothing_of_another_service(room: str) -> None:
    graph = grimp.build_graph("messages", "activities", "services")
    table = graph.find_modules_that_directly_import("messages.participants")
    assert table, "the table is what the others are derived from"
    # What the services share may know the table, and through it all of them.
    graph.remove_module("messages.participants")
    names = (*SERVICES, "order") if room == "messages.events" else SERVICES

    chains = [
        graph.find_shortest_chain(f"{room}.{one}", f"{room}.{other}")
        for one, other in permutations(names, 2)
    ]

    assert [chain for chain in chains if chain] == []
