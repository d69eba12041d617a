"""Runs ended from outside, with real processes: the audit names them, reconciling mends them."""

from __future__ import annotations

import json
import signal
import uuid
from pathlib import Path
from typing import Literal

import pytest

from settings import Settings
from tests.harness.faults import as_toml, delay, lost_reply, permanent, transient
from tests.harness.ledgers import standing_steps
from tests.harness.running import Completed
from tests.harness.system import System
from tests.harness.waiting import wait_until

#: ``all*`` does not hear of its last effect for long, the others never come past the second
#: one; the refund of ``slow*`` takes long, that of ``broken*`` fails once.
TROUBLE = (
    transient("prepare_shipping", orders=("halfway*", "slow*", "broken*")),
    lost_reply("award_loyalty_points", times=6, orders="all*"),
    delay("refund_payment", seconds=3, orders="slow*"),
    permanent("refund_payment", times=1, orders="broken*"),
)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("plan") / "trouble.toml"
    file.write_text(as_toml(*TROUBLE))
    return file


@pytest.fixture
def system(system_beside: System, plan: Path) -> System:
    """The shared server, with ledgers and a worker of this test's own."""
    system_beside.start_worker(faults=str(plan))
    return system_beside


Ending = Literal["terminate", "delete"]


def place(system: System, kind: str) -> str:
    """Place an order and wait until its run is where its kind says; returns its id."""
    order_id = f"{kind}-{uuid.uuid4()}"
    placed = system.order(order_id, "--no-wait")
    assert placed.returncode == 0, placed.stderr
    step = "award_loyalty_points" if kind == "all" else "process_payment"
    wait_until(lambda: step in standing(system, order_id), f"{step} of {order_id}")
    return order_id


def saga(order_id: str) -> str:
    return f"order_saga_{order_id}"


def standing(system: System, order_id: str) -> set[str]:
    """Return the steps of the order whose effects stand."""
    return standing_steps(Settings(data_dir=system.data_dir), order_id)


def reconcile(system: System, *options: str) -> Completed:
    done = system.starter("reconcile", *options)
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize("how", ["terminate", "delete"])
def test_what_the_audit_names_reconciling_mends(system: System, how: Ending) -> None:
    order_id = place(system, "halfway")
    system.end_run(how, saga(order_id))
    audit = system.starter("audit")
    assert audit.returncode == 1
    assert saga(order_id) in audit.stdout
    assert "starter.py reconcile" in audit.stdout

    listed = reconcile(system, "--dry-run")
    assert listed.returncode == 0
    assert order_id in listed.stdout
    assert "would undo: process_payment, reserve_inventory" in listed.stdout
    assert standing(system, order_id) == {"process_payment", "reserve_inventory"}

    mended = reconcile(system)
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert order_id in mended.stdout
    assert "undone: process_payment, reserve_inventory" in mended.stdout
    system.assert_audit_is_clean()
    assert standing(system, order_id) == set()
    assert "No run has left anything behind" in reconcile(system).stdout


def test_a_terminated_order_of_which_all_stands_can_be_placed_again_and_stands_once(
    system: System,
) -> None:
    order_id = place(system, "all")
    system.end_run("terminate", saga(order_id))
    wait_until(lambda: json.loads(reconcile(system, "--json").stdout)["undone"] == 4, "its end")
    assert standing(system, order_id) == set()
    placed = system.order(order_id)
    assert placed.returncode == 0, placed.stdout
    assert len(standing(system, order_id)) == 4
    system.assert_audit_is_clean()


def test_what_cannot_be_undone_waits_for_an_operator(system: System) -> None:
    order_id = place(system, "broken")
    system.end_run("terminate", saga(order_id))
    failed = reconcile(system)
    assert failed.returncode == 1
    assert "process_payment is not undone: internal error" in failed.stdout
    assert standing(system, order_id) == {"process_payment"}
    inbox = system.starter("inbox")
    assert inbox.returncode == 1
    assert order_id in inbox.stdout
    resolved = system.starter(
        *("resolve", order_id, "--step", "process_payment", "--action", "retry", "--note", "mended")
    )
    assert resolved.returncode == 0, resolved.stdout + resolved.stderr
    assert standing(system, order_id) == set()
    system.assert_audit_is_clean()


def test_a_worker_killed_while_it_reconciles_loses_nothing(
    tmp_path: Path, running_system: System, plan: Path
) -> None:
    system = running_system.beside(tmp_path)
    worker = system.start_worker(faults=str(plan))
    order_id = place(system, "slow")
    system.end_run("terminate", saga(order_id))
    reconciling = system.start("starter.py", "reconcile")
    query = ("workflow", "list", "--query", 'WorkflowType = "UndoLeftover"')

    def refunds() -> bool:
        runs = [
            word
            for word in system.temporal(*query).stdout.split()
            if word.startswith(f"leftover/order_saga_{order_id}/")
        ]
        return any(
            "refund_payment" in system.temporal("workflow", "describe", "-w", run).stdout
            for run in runs
        )

    wait_until(refunds, "the refund")
    worker.send(signal.SIGKILL)
    worker.exit_code()
    system.start_worker(faults=str(plan))
    assert reconciling.exit_code() == 0, reconciling.output()
    assert "nothing is left behind" in reconciling.output()
    system.assert_audit_is_clean()


def test_the_workers_schedule_mends_without_being_told(
    tmp_path: Path, running_system: System, plan: Path
) -> None:
    system = running_system.beside(tmp_path)
    system.start_worker(faults=str(plan), reconcile_every_seconds="2")
    system.start_worker(faults=str(plan), reconcile_every_seconds="2")
    schedule = ("--schedule-id", f"reconcile-orders-{system.task_queue}")
    try:
        order_id = place(system, "halfway")
        system.end_run("terminate", saga(order_id))
        wait_until(lambda: not standing(system, order_id), "the schedule's reconciliation")
        system.assert_audit_is_clean()
        assert system.temporal("schedule", "describe", *schedule).returncode == 0
    finally:
        system.temporal("schedule", "delete", *schedule)


def test_without_a_worker_or_a_server_it_says_so(tmp_path: Path, running_system: System) -> None:
    idle = running_system.beside(tmp_path)
    done = reconcile(idle)
    assert done.returncode == 1
    assert "no worker answers" in done.stderr
    nowhere = System(tmp_path)
    nowhere.env["TEMPORAL_ADDRESS"] = "127.0.0.1:1"
    assert reconcile(nowhere).returncode == 3
