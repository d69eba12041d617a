"""Orders that Temporal has forgotten, and ledgers that have moved: real processes throughout."""

from __future__ import annotations

import json
import uuid

import pytest

from settings import Settings
from tests.harness.builders import seed_order_json
from tests.harness.faults import transient
from tests.harness.ledgers import effects
from tests.harness.system import System
from tests.harness.waiting import wait_until


@pytest.fixture
def system(system_beside: System) -> System:
    """The shared server, with ledgers and a worker of this test's own."""
    system_beside.start_worker()
    return system_beside


def placed_and_forgotten(system: System, *mode: str) -> str:
    order_id = f"order-{uuid.uuid4()}"
    placed = system.order(order_id, *mode)
    assert placed.returncode == 0, placed.stdout + placed.stderr
    system.end_run("delete", f"{'saga' if mode else 'order_saga'}_{order_id}")
    return order_id


@pytest.mark.parametrize("mode", [(), ("--mode", "choreography")], ids=["led", "told"])
def test_an_order_that_temporal_has_forgotten_is_known_to_the_ledgers(
    system: System, mode: tuple[str, ...]
) -> None:
    order_id = placed_and_forgotten(system, *mode)
    status = system.starter("status", order_id)
    assert status.returncode == 0, status.stderr
    assert "every effect stands" in status.stdout
    told = json.loads(system.starter("status", order_id, "--json").stdout)
    assert (told["known_by"], told["status"]) == ("ledgers", "SUCCESS")
    assert {step["state"] for step in told["steps"]} == {"success"}

    again = system.order(order_id)
    assert again.returncode == 0, again.stdout + again.stderr
    assert f"Order {order_id} was placed before" in again.stdout
    assert effects(Settings(data_dir=system.data_dir), order_id) == 4

    other = json.loads(seed_order_json(order_id)) | {"user_id": "user_another"}
    refused = system.starter("order", "-", stdin=json.dumps(other))
    assert refused.returncode == 2
    assert "other content" in refused.stderr
    system.assert_audit_is_clean()


def test_an_order_that_was_broken_off_is_refused_until_it_is_reconciled(
    system_beside: System,
) -> None:
    system = system_beside
    system.start_worker_with(transient("prepare_shipping", times=4))
    order_id = f"order-{uuid.uuid4()}"
    assert not system.order(order_id, "--no-wait").returncode
    wait_until(lambda: effects(Settings(data_dir=system.data_dir), order_id) == 2, "the charge")
    system.end_run("terminate", f"order_saga_{order_id}")
    refused = system.order(order_id)
    assert refused.returncode == 1
    assert "starter.py reconcile" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert system.starter("reconcile").returncode == 0
    placed = system.order(order_id)
    assert placed.returncode == 0, placed.stdout + placed.stderr
    system.assert_audit_is_clean()


def test_nobody_has_heard_of_an_order_that_is_in_no_ledger(system: System) -> None:
    status = system.starter("status", "order-of-nobody")
    assert status.returncode == 2
    assert "was placed" in status.stderr


def test_a_worker_of_another_namespace_is_refused_until_the_ledgers_have_moved(
    system: System,
) -> None:
    order_id = placed_and_forgotten(system)
    system.stop()
    namespace = f"other-{uuid.uuid4()}"
    created = system.temporal("operator", "namespace", "create", "--namespace", namespace)
    assert created.returncode == 0, created.stderr
    there = {"TEMPORAL_NAMESPACE": namespace}

    def refused() -> str:
        worker = system.start("worker.py", **there)
        assert worker.exit_code() == 2, worker.output()
        return worker.output()

    wait_until(lambda: "another Temporal namespace" in refused(), "the refusal")
    assert "move-ledgers" in refused()
    assert "Traceback" not in refused()
    audit = system.starter("audit", **there)
    assert audit.returncode == 2, audit.stdout
    moved = system.starter("move-ledgers", "--note", "the new cluster", **there)
    assert moved.returncode == 0, moved.stderr
    worker = system.start("worker.py", **there)
    wait_until(lambda: "polling task queue" in worker.output(), "the worker there")
    reconciled = system.starter("reconcile", **there)
    assert reconciled.returncode == 0, reconciled.stdout
    assert effects(Settings(data_dir=system.data_dir), order_id) == 4
    assert system.starter("audit", **there).returncode == 0
