"""Each team runs its own worker: on a task queue of its own, with no ledger but its own."""

from __future__ import annotations

import json

from tests.harness.builders import seed_order_json
from tests.harness.running import Running
from tests.harness.system import System
from tests.harness.waiting import wait_until

OTHERS = "workflows,inventory,shipping,loyalty"


def test_what_is_for_a_service_whose_worker_is_away_waits_for_it_and_the_others_go_on(
    fresh_system: System,
) -> None:
    system = fresh_system
    system.env["ORDER_SAGA_PAYMENT_TASK_QUEUE"] = "payments"
    system.start_worker(hosts=OTHERS)
    # An order's id begins with its mode here: no order is placed in both.
    for mode, payment in (("orchestration", "running"), ("choreography", "pending")):
        order = seed_order_json(f"{mode}_1")
        placed = system.starter("order", "-", "--mode", mode, "--no-wait", stdin=order)
        assert placed.returncode == 0
        until_states(system, mode, ["success", payment, "pending", "pending"])
    assert not (system.data_dir / "payment.db").exists()

    payments = system.start_worker(hosts="payment")
    assert payments.until_it_says("polling task queue '(.*?)' on")[1] == "payments"
    for mode in ("orchestration", "choreography"):
        order = seed_order_json(f"{mode}_1")
        done = system.starter("order", "-", "--mode", mode, "--json", stdin=order)
        assert json.loads(done.stdout)["status"] == "SUCCESS"
    system.assert_audit_is_clean()


def test_a_worker_for_one_service_opens_its_own_ledger_only(fresh_system: System) -> None:
    worker: Running = fresh_system.start_worker(hosts="loyalty", loyalty_task_queue="points")
    worker.until_it_says("polling task queue 'points' on")
    assert {file.name for file in fresh_system.data_dir.glob("*.db")} & {
        f"{service}.db" for service in ("inventory", "payment", "shipping", "loyalty")
    } == {"loyalty.db"}


def until_states(system: System, mode: str, wanted: list[str]) -> None:
    def reached() -> bool:
        steps = system.starter_json("status", f"{mode}_1", "--mode", mode)["steps"]
        assert isinstance(steps, list)
        return [step["state"] for step in steps] == wanted

    wait_until(reached, "the others' part")
