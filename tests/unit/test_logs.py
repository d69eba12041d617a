"""A log in JSON names the saga, the step and the attempt, and repeats nothing of a payload."""

from __future__ import annotations

import json
import logging

import pytest
from temporalio.exceptions import ApplicationError

from messages.ids import delivery_id, leftover_id, saga_of
from messages.runs import RunRef
from runtime.logs import as_json

SECRET = "123 Main St"


def logged(message: str, *args: object, error: BaseException | None = None, **extra: object) -> str:
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("any", logging.WARNING, "file", 1, message, args, info)
    vars(record).update(extra)
    return as_json(record)


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ApplicationError(f"no carrier delivers to {SECRET}", type="Refused"), "Refused"),
        (ValueError(SECRET), "ValueError"),
    ],
    ids=["a service's failure", "a defect"],
)
def test_an_error_is_told_by_its_type_and_its_place(error: Exception, kind: str) -> None:
    line = logged("it failed: %s", error, error=raised(error))
    told = json.loads(line)
    assert SECRET not in line
    assert told["error"] == kind
    assert told["message"] == f"it failed: {kind}"
    assert [frame.rpartition(" ")[2] for frame in told["stack"]] == ["raised"]


def test_what_asyncio_adds_on_further_lines_is_left_out() -> None:
    assert SECRET not in logged(f"Task exception was never retrieved\nfuture: {SECRET}")


def test_an_attempt_is_named_with_its_saga_and_step() -> None:
    about = {"activity_type": "refund_payment", "attempt": 3, "workflow_id": "order_saga_1"}
    told = json.loads(logged("no", temporal_activity={**about, "workflow_run_id": "r"}))
    assert told["saga_id"] == told["workflow_id"] == "order_saga_1"
    assert (told["step"], told["activity"], told["attempt"]) == (
        *("process_payment", "refund_payment"),
        3,
    )
    assert told["run_id"] == "r"


def test_a_delivery_is_named_with_the_saga_and_the_step_of_its_service() -> None:
    run = {"workflow_id": delivery_id("saga_1/r/OrderCreated", "inventory"), "attempt": 1}
    told = json.loads(logged("no", temporal_workflow=run))
    assert (told["saga_id"], told["step"]) == ("saga_1", "reserve_inventory")


@pytest.mark.parametrize(
    ("workflow_id", "saga"),
    [
        ("order_saga_a/b", "order_saga_a/b"),
        (delivery_id("saga_a/b/r/OrderCreated", "inventory"), "saga_a/b"),
        (leftover_id(RunRef("order_saga_a/b", "r")), "order_saga_a/b"),
        ("reconcile-orders", None),
    ],
)
def test_the_saga_is_read_from_the_id_of_the_run(workflow_id: str, saga: str | None) -> None:
    assert saga_of(workflow_id) == saga
