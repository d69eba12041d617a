"""Processes killed in the middle: every order ends all the same, and the books add up."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.harness.faults import delay
from tests.harness.running import Running
from tests.harness.system import System
from tests.harness.waiting import wait_until

ORDERS = 24
HOSTILE = Path(__file__).parents[2] / "examples" / "faults" / "hostile.toml"


def simulate(system: System, *options: str, orders: int = ORDERS) -> Running:
    options = ("--orders", str(orders), "--prefix", "crash", *options)
    return system.start("starter.py", "simulate", *options)


def until_closed(system: System, at_least: int, kind: str = "OrderSaga") -> None:
    """Wait until so many sagas have ended."""
    query = f'WorkflowType = "{kind}" AND ExecutionStatus != "Running"'
    wait_until(lambda: system.count(query) >= at_least, f"{at_least} orders at their end")


def assert_all_ended(system: System, simulation: Running) -> None:
    assert simulation.exit_code() == 0, simulation.output()
    until_closed(system, ORDERS)
    open_ones = system.temporal("workflow", "list", "--query", 'ExecutionStatus = "Running"')
    assert "crash" not in open_ones.stdout
    system.assert_audit_is_clean()


@pytest.mark.parametrize("fast_path", ["false", "true"], ids=["regular", "fast path"])
def test_a_killed_worker_loses_nothing(fresh_system: System, fast_path: str) -> None:
    settings = {"faults": str(HOSTILE), "fast_path": fast_path}
    worker = fresh_system.start_worker(**settings)
    simulation = simulate(fresh_system)
    for ended in (4, 12):
        until_closed(fresh_system, at_least=ended)
        worker.send(signal.SIGKILL)
        worker.exit_code()
        worker = fresh_system.start_worker(**settings)
    assert_all_ended(fresh_system, simulation)


def test_a_killed_temporal_server_loses_nothing(fresh_system: System) -> None:
    """The embedded server is started again on its database by who keeps it."""
    fresh_system.start_worker(faults=str(HOSTILE))
    simulation = simulate(fresh_system)
    until_closed(fresh_system, at_least=5)
    os.kill(fresh_system.server_pid(), signal.SIGKILL)
    assert_all_ended(fresh_system, simulation)


def test_killed_workers_and_a_killed_server_lose_no_event(fresh_system: System) -> None:
    """Among events the same; what is a dead letter in the end, its order's deadline undoes."""
    worker = fresh_system.start_worker(faults=str(HOSTILE))
    orders = ORDERS // 2
    options = ("--mode", "choreography", "--deadline", "8")
    simulation = simulate(fresh_system, *options, orders=orders)
    for ended in (3, 8):
        until_closed(fresh_system, ended, "OrderChoreography")
        worker.send(signal.SIGKILL)
        worker.exit_code()
        if ended == 3:
            os.kill(fresh_system.server_pid(), signal.SIGKILL)
            fresh_system.until_server_answers()
        worker = fresh_system.start_worker(faults=str(HOSTILE))
    # 1 says that some order waited for an operator when it was looked at.
    assert simulation.exit_code() in (0, 1), simulation.output()
    until_closed(fresh_system, orders, "OrderChoreography")
    assert "Traceback" not in simulation.output()
    fresh_system.assert_audit_is_clean()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_worker_lets_its_running_activities_finish(
    fresh_system: System, sign: signal.Signals
) -> None:
    worker = fresh_system.start_worker_with(delay("reserve_inventory", seconds=2))
    order = Path(__file__).parents[2] / "examples" / "order.json"
    assert fresh_system.starter("order", str(order), "--no-wait").returncode == 0
    query = ("workflow", "describe", "--workflow-id", "order_saga_order_12345")
    wait_until(lambda: "STARTED" in fresh_system.temporal(*query).stdout.upper(), "the first step")
    worker.send(sign)
    assert worker.exit_code() == 0
    history = fresh_system.temporal("workflow", "show", "--workflow-id", "order_saga_order_12345")
    assert "ActivityTaskCompleted" in history.stdout
    assert "Traceback" not in worker.output()
