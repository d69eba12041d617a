"""Code that orders are running on can go on with every order that was begun with it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import NondeterminismError

from runtime.data_converter import data_converter
from tests.replay.histories import FOLDER, ending, files, read, shape
from tests.replay.payment_first import PaymentFirst
from tests.replay.recorder import record
from tests.replay.scenarios import SCENARIOS
from tests.replay.untold import Untold
from worker import PASSED_THROUGH, WORKFLOWS


@cache
def replayer(workflows: tuple[type, ...] = WORKFLOWS) -> Replayer:
    """Runs workflow code as the product's worker does."""
    return Replayer(
        workflows=workflows,
        data_converter=data_converter,
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
        ),
    )


@pytest.mark.parametrize("file", files(), ids=lambda file: f"{file.parent.name}-{file.stem}")
async def test_a_run_that_was_begun_goes_on(file: Path) -> None:
    await replayer().replay_workflow(read(file))


def test_there_is_a_history_of_every_kind_of_run() -> None:
    for scenario in SCENARIOS:
        assert {ending(read(file)) for file in files(scenario)} == {scenario.ends}, scenario.name
    kept = {file for scenario in SCENARIOS for file in files(scenario)}
    assert kept == set(FOLDER.glob("*/*")), "histories of no scenario"


async def test_each_kind_of_run_is_kept_as_it_is_now(
    env: WorkflowEnvironment, tmp_path: Path
) -> None:
    orderly = [scenario for scenario in SCENARIOS if scenario.orderly]
    for scenario, history in await record(env, tmp_path, orderly):
        kept = [shape(read(file)) for file in files(scenario)]
        assert shape(history) in kept, (
            f"{scenario.name} has changed; see docs/changing-workflows.md"
        )


@pytest.mark.parametrize("scenario", ["told_success", "told_parked", "told_undo_replayed"])
async def test_an_order_that_tells_something_else_is_found(scenario: str) -> None:
    changed = replayer((Untold,))
    with pytest.raises(NondeterminismError):
        await changed.replay_workflow(read(FOLDER / "OrderChoreography" / f"{scenario}.1.json"))


async def test_a_change_that_running_orders_do_not_survive_is_found() -> None:
    changed = replayer((PaymentFirst,))
    with pytest.raises(NondeterminismError):
        await changed.replay_workflow(read(FOLDER / "OrderSaga" / "parked.1.json"))
