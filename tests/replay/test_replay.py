"""Code that orders are running on can go on with every order that was begun with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.workflow import NondeterminismError

from tests.harness.incompatible_workflows import (
    Announced,
    ByTheClock,
    PaymentFirst,
    Unexamined,
    Untold,
)
from tests.replay.histories import FOLDER, alike, ending, files, is_newest, read, shape
from tests.replay.recorder import record
from tests.replay.recording import Scenario
from tests.replay.replaying import replayer
from tests.replay.scenarios import SCENARIOS
from worker import WORKFLOWS


@pytest.mark.parametrize("file", files(), ids=lambda file: f"{file.parent.name}-{file.stem}")
async def test_a_run_that_was_begun_goes_on(file: Path) -> None:
    # A sandbox takes a while to open for each workflow that a worker has.
    of_file = next(each for each in WORKFLOWS if each.__name__ == file.parent.name)
    await replayer(of_file, sandbox=is_newest(file)).replay_workflow(read(file))


def test_there_is_a_history_of_every_kind_of_run() -> None:
    for scenario in SCENARIOS:
        assert {ending(read(file)) for file in files(scenario)} == {scenario.ends}, scenario.name
    kept = {file for scenario in SCENARIOS for file in files(scenario)}
    assert kept == set(FOLDER.glob("*/*")), "histories of no scenario"


async def test_each_kind_of_run_is_kept_as_it_is_now(
    env: WorkflowEnvironment, tmp_path: Path
) -> None:
    orderly = [scenario for scenario in SCENARIOS if scenario.orderly]
    first = await record(env, tmp_path / "first", orderly)
    # On a busy machine an attempt may be under way when it was meant to wait for the next.
    unlike = [scenario for scenario, history in first if not is_kept(scenario, history)]
    for scenario, history in await record(env, tmp_path / "again", unlike):
        assert is_kept(scenario, history), (
            f"{scenario.name} has changed: {shape(history)}; see docs/changing-workflows.md"
        )


def is_kept(scenario: Scenario, history: WorkflowHistory) -> bool:
    return any(alike(scenario, read(file), history) for file in files(scenario))


@pytest.mark.parametrize(
    ("changed", "history"),
    [
        (PaymentFirst, "OrderSaga/parked"),
        (Untold, "OrderChoreography/told_success"),
        (Untold, "OrderChoreography/told_parked"),
        (Untold, "OrderChoreography/told_undo_replayed"),
        (Announced, "EventDelivery/sent_delivered"),
        (Announced, "EventDelivery/sent_parked"),
        (Announced, "EventDelivery/sent_undo_replayed"),
        (Unexamined, "ReconcileOrders/cleared_half_done"),
        (Unexamined, "ReconcileOrders/cleared_dry"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
async def test_a_change_that_running_workflows_do_not_survive_is_found(
    changed: type, history: str
) -> None:
    with pytest.raises(NondeterminismError):
        await replayer(changed).replay_workflow(read(FOLDER / f"{history}.1.json"))


async def test_a_call_that_no_replay_could_repeat_is_found() -> None:
    history = read(FOLDER / "OrderSaga/success.1.json")
    with pytest.raises(RuntimeError, match=r"Cannot access time\.time"):
        await replayer(ByTheClock).replay_workflow(history)
