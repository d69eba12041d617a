"""Temporal's own command line, with nothing of ours but the names that we promise."""

from __future__ import annotations

import json
import uuid

from tests.harness.builders import seed_order_json
from tests.harness.faults import delay, permanent, refusal, transient
from tests.harness.steps import STEPS
from tests.harness.system import System
from tests.harness.waiting import wait_until

TROUBLE = (
    delay("award_loyalty_points", seconds=4.0, orders="slow*"),
    transient("prepare_shipping", orders="halfway*"),
    refusal("prepare_shipping", orders=("refused*", "stuck*")),
    permanent("refund_payment", orders="stuck*", times=1),
)


def start(system: System, order_id: str) -> str:
    workflow_id = f"order_saga_{order_id}"
    started = system.temporal(
        *("workflow", "start", "--type", "OrderSaga", "--workflow-id", workflow_id),
        *("--task-queue", system.task_queue, "--input", seed_order_json(order_id)),
    )
    assert started.returncode == 0, started.stderr
    return workflow_id


def status(system: System, workflow_id: str) -> dict[str, object]:
    answer = system.temporal_json(
        "workflow", "query", "--workflow-id", workflow_id, "--type", "status"
    )
    results = answer["queryResult"]
    assert isinstance(results, list)
    view = results[0]
    assert isinstance(view, dict)
    return view


def states(system: System, workflow_id: str) -> list[str]:
    steps = status(system, workflow_id)["steps"]
    assert isinstance(steps, list)
    return [step["state"] for step in steps]


def update(system: System, workflow_id: str, name: str, **arguments: str) -> bool:
    """Send an update; whether it was taken."""
    return (
        system.temporal(
            *("workflow", "update", "execute", "--workflow-id", workflow_id),
            *("--name", name, "--input", json.dumps(arguments)),
        ).returncode
        == 0
    )


def outcome(system: System, workflow_id: str) -> tuple[str, object]:
    """Return the closing status, and the result, or the detail of the failure."""
    closed = system.temporal_json("workflow", "result", "--workflow-id", workflow_id)
    if closed["status"] != "FAILED":
        return str(closed["status"]), closed.get("result")
    info = failure(closed)["applicationFailureInfo"]
    assert isinstance(info, dict)
    return "FAILED", info["details"][0]


def failure(closed: dict[str, object]) -> dict[str, object]:
    """Return the failure in what ``workflow result`` prints."""
    event = closed["closeEvent"]
    assert isinstance(event, dict)
    found = event["workflowExecutionFailedEventAttributes"]["failure"]
    assert isinstance(found, dict)
    return found


def test_the_seeds_order_succeeds_with_29_events(system: System) -> None:
    workflow_id = start(system, f"order_{uuid.uuid4()}")
    assert outcome(system, workflow_id) == (
        "COMPLETED",
        {"saga_id": workflow_id, "status": "SUCCESS", "completed_steps": 4},
    )
    assert states(system, workflow_id) == ["success"] * 4
    described = system.temporal_json("workflow", "describe", "--workflow-id", workflow_id)
    info = described["workflowExecutionInfo"]
    assert isinstance(info, dict)
    assert info["historyLength"] == "29"


def test_a_refused_order_closes_as_failed_with_the_typed_result(system: System) -> None:
    workflow_id = start(system, f"refused_{uuid.uuid4()}")
    closed, result = outcome(system, workflow_id)
    assert closed == "FAILED"
    assert isinstance(result, dict)
    assert result["saga_id"] == workflow_id
    assert result["status"] == "FAILED"
    assert result["failed_step"] == "prepare_shipping"
    assert result["compensated_steps"] == ["process_payment", "reserve_inventory"]
    assert not result["resolved_manually"]
    assert states(system, workflow_id) == ["compensated", "compensated", "failed", "pending"]
    assert_listed(system, workflow_id, "FAILED")


def test_a_customers_cancel_closes_as_failed_with_status_cancelled(system: System) -> None:
    workflow_id = start(system, f"slow_{uuid.uuid4()}")
    wait_until(lambda: "running" in states(system, workflow_id)[3:], "the last step")
    assert update(system, workflow_id, "cancel_order", reason="found it cheaper")
    assert not update(system, workflow_id, "cancel_order", reason="again")
    closed, result = outcome(system, workflow_id)
    assert closed == "FAILED"
    assert isinstance(result, dict)
    assert (result["status"], result["error"]) == ("CANCELLED", "found it cheaper")
    assert result["compensated_steps"] == STEPS[::-1]
    assert_listed(system, workflow_id, "CANCELLED")


def test_temporals_own_cancel_closes_as_canceled_with_the_result_in_the_memo(
    system: System,
) -> None:
    workflow_id = start(system, f"slow_{uuid.uuid4()}")
    wait_until(lambda: "running" in states(system, workflow_id)[3:], "the last step")
    assert system.temporal("workflow", "cancel", "--workflow-id", workflow_id).returncode == 0
    closed, _ = outcome(system, workflow_id)
    assert closed == "CANCELED"
    described = system.temporal_json("workflow", "describe", "--workflow-id", workflow_id)
    info = described["workflowExecutionInfo"]
    assert isinstance(info, dict)
    assert info["memo"]["fields"]["result"]["compensated_steps"] == STEPS[::-1]
    assert states(system, workflow_id) == ["compensated"] * 4
    assert_listed(system, workflow_id, "CANCELLED")


def test_an_operator_finds_and_resolves_what_could_not_be_undone(system: System) -> None:
    workflow_id = start(system, f"stuck_{uuid.uuid4()}")
    assert_listed(system, workflow_id, "NEEDS_INTERVENTION")
    assert states(system, workflow_id)[1] == "needs_intervention"
    decision = {"step": "process_payment", "operator": "ada", "note": "the bank is back"}
    assert not update(system, workflow_id, "resolve_compensation", **decision)
    assert update(system, workflow_id, "resolve_compensation", action="retry", **decision)
    closed, result = outcome(system, workflow_id)
    assert closed == "FAILED"
    assert isinstance(result, dict)
    assert set(result["compensated_steps"]) == {"process_payment", "reserve_inventory"}


def test_input_that_is_no_order_fails_its_run(system: System) -> None:
    workflow_id = f"order_saga_{uuid.uuid4()}"
    system.temporal(
        *("workflow", "start", "--type", "OrderSaga", "--workflow-id", workflow_id),
        *("--task-queue", system.task_queue, "--input", '{"order_id": "x", "total": 1}'),
    )
    closed = system.temporal_json("workflow", "result", "--workflow-id", workflow_id)
    assert closed["status"] == "FAILED"
    assert "user_id: field required" in str(failure(closed)["message"])


def test_what_was_terminated_half_way_is_named_by_the_audit(system: System) -> None:
    workflow_id = start(system, f"halfway_{uuid.uuid4()}")
    wait_until(lambda: "running" in states(system, workflow_id)[2:], "the third step")
    system.temporal("workflow", "terminate", "--workflow-id", workflow_id)
    audit = system.starter("audit")
    assert audit.returncode == 1
    assert workflow_id in audit.stdout
    assert "terminated" in audit.stdout


def assert_listed(system: System, workflow_id: str, saga_status: str) -> None:
    """One search-attribute query finds the run."""
    query = f'SagaStatus = "{saga_status}" AND WorkflowId = "{workflow_id}"'
    wait_until(
        lambda: workflow_id in system.temporal("workflow", "list", "--query", query).stdout,
        f"{saga_status} of {workflow_id}",
    )
