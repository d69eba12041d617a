"""Telemetry of a worker about orders: metrics to a real Prometheus, logs in JSON, traces.

Three orders: one succeeds, one is rolled back, one is parked. The worker that took them is stopped,
and another one takes up what is parked.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from temporalio.client import Client

from runtime.data_converter import data_converter
from runtime.free_ports import any_free
from tests.harness.builders import seed_order_json
from tests.harness.faults import fault
from tests.harness.metrics import asked_for, names_in
from tests.harness.prometheus import a_prometheus, exposed
from tests.harness.running import Running, assert_fails_with_one_line
from tests.harness.system import System
from tests.harness.waiting import wait_until

SUCCEEDS, TURNS_BACK, PARKS = "order_1", "back_1", "parked_1"
FAULTS = (
    fault("refusal", "prepare_shipping", orders=("back*", "parked*")),
    fault("transient", "process_payment", times=1, orders="order*"),
    fault("permanent", "refund_payment", orders="parked*"),
)
ENDED = 'order_saga_outcomes_total{outcome!="error"}'
#: Amounts that no clock shows and no metric reaches: ``50.0`` is also a part of 12:03:50.017.
AMOUNTS: dict[str, object] = {
    "items": [{"id": "item_1", "quantity": 2, "price": 271828.18}],
    "total_amount": 543656.36,
}
#: What the orders say, and no label, log or trace may.
SECRETS = ("user_789", "123 Main St", "City", "item_1", "271828.18", "543656.36", "5436.5636")


class Told(NamedTuple):
    """A worker, where it exposes its metrics, and everything that it has told."""

    worker: Running
    address: str

    def lines(self) -> list[dict[str, object]]:
        """Return the records of its log."""
        lines = self.worker.output().splitlines()
        return [json.loads(line) for line in lines if line.startswith('{"time"')]

    def stop(self) -> None:
        """Stop the worker as a person does, so that it prints the last spans."""
        self.worker.process.send_signal(signal.SIGTERM)
        assert self.worker.exit_code() == 0

    def spans(self) -> list[dict[str, Any]]:
        """Return the spans of its traces, which the console exporter prints among the rest."""
        text, decoder, spans, at = self.worker.output(), json.JSONDecoder(), [], 0
        while (at := text.find("{\n", at)) >= 0:
            span, at = decoder.raw_decode(text, at)
            spans.append(span)
        return spans


@pytest.fixture(scope="module")
def shop(running_system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The shared server, with ledgers and workers of this file's own."""
    beside = running_system.beside(tmp_path_factory.mktemp("telemetry"))
    beside.env |= {
        "ORDER_SAGA_LOG_FORMAT": "json",
        "OTEL_TRACES_EXPORTER": "console",
        "ORDER_SAGA_TASK_QUEUE": "telemetry",
    }
    yield beside
    beside.stop()


@pytest.fixture(scope="module")
def first(shop: System) -> Told:
    """The worker that takes the orders; they are over, or parked, when this returns."""
    address = f"127.0.0.1:{any_free()}"
    return Told(shop.start_worker_with(*FAULTS, metrics_address=address), address)


@pytest.fixture(scope="module")
async def placed(shop: System, first: Told) -> None:
    """The three orders, placed by a client that knows nothing of traces."""
    client = await Client.connect(shop.address, data_converter=data_converter)
    for order_id, workflow, saga in (
        (SUCCEEDS, "OrderChoreography", f"saga_{SUCCEEDS}"),
        (TURNS_BACK, "OrderSaga", f"order_saga_{TURNS_BACK}"),
        (PARKS, "OrderSaga", f"order_saga_{PARKS}"),
    ):
        await client.start_workflow(
            workflow,
            json.loads(seed_order_json(order_id)) | AMOUNTS,
            id=saga,
            task_queue=shop.task_queue,
        )
    parked = f'SagaStatus = "NEEDS_INTERVENTION" AND WorkflowId = "order_saga_{PARKS}"'
    wait_until(lambda: shop.count(parked), "the parked order")


@pytest.fixture(scope="module")
def second(shop: System, first: Told, placed: None) -> Told:
    """Another worker, which starts when the orders are over or parked."""
    address = f"127.0.0.1:{any_free()}"
    return Told(shop.start_worker(metrics_address=address), address)


def test_prometheus_learns_how_orders_end_and_what_waits_and_raises_the_alert(
    first: Told, second: Told, tmp_path: Path
) -> None:
    with a_prometheus(tmp_path, (first.address, second.address)) as prometheus:
        ended = f"sum by (mode, outcome) ({ENDED}) > 0"
        both = {"choreography success": 1.0, "orchestration failed": 1.0}
        wait_until(lambda: prometheus.ask(ended) == both, "the ends of the orders")
        waits = "max by (kind) (order_saga_waiting) > 0"
        wait_until(lambda: prometheus.ask(waits) == {"order": 1.0}, "the parked order")
        wait_until(lambda: "OrderSagaOrderParked" in prometheus.alerts(), "its alert")
        assert prometheus.ask("max(order_saga_waiting_oldest_seconds) > 0")
        effects = 'sum(order_saga_fence_answers_total{answer="applied"})'
        assert prometheus.ask(effects) == {"": 4.0 + 2.0 + 2.0}


def test_alerts_and_dashboard_ask_for_nothing_that_no_worker_exposes(
    first: Told, second: Told
) -> None:
    metrics = exposed(first.address)

    assert asked_for() - names_in(metrics) == set()
    assert not [word for word in (*SECRETS, SUCCEEDS, TURNS_BACK, PARKS) if word in metrics]


def test_a_log_names_saga_step_and_attempt_and_nothing_of_a_payload(
    first: Told, second: Told
) -> None:
    parked = f"order_saga_{PARKS}"
    told = [
        (line.get("saga_id"), line.get("step"), line.get("attempt"), line["message"])
        for line in first.lines()
    ]

    assert (parked, "process_payment", 1, "Completing activity as failed") in told
    assert (parked, "process_payment", 1, "compensation: parked") in told
    assert (f"order_saga_{TURNS_BACK}", None, 1, "the saga has ended: failed") in told
    assert not [secret for secret in SECRETS if secret in first.worker.output()]


def test_an_order_is_one_trace_with_its_deliveries_also_after_another_worker_took_it_up(
    shop: System, first: Told, second: Told
) -> None:
    first.stop()
    resolve = ("resolve", PARKS, "--step", "process_payment", "--note", "test")
    assert "FAILED" in shop.starter(*resolve, "--action", "retry").stdout
    second.stop()

    spans = [*first.spans(), *second.spans()]
    for order_id in (SUCCEEDS, TURNS_BACK, PARKS):
        of_order = [span for span in spans if order_id in json.dumps(span["attributes"])]
        assert len({span["context"]["trace_id"] for span in of_order}) == 1
        [root] = [span["name"] for span in of_order if span["parent_id"] is None]
        assert root.startswith("RunWorkflow:Order")
    assert {span["resource"]["attributes"]["service.name"] for span in spans} == {"order-saga"}
    of_deliveries = [span for span in spans if span["name"] == "RunWorkflow:EventDelivery"]
    assert len(of_deliveries) == 4


def test_an_address_that_is_taken_is_named_in_one_line(shop: System, first: Told) -> None:
    done = shop.ended(
        "worker.py",
        ORDER_SAGA_METRICS_ADDRESS=shop.address.replace("localhost", "127.0.0.1"),
        ORDER_SAGA_LOG_FORMAT="text",
    )
    assert_fails_with_one_line(done, "127.0.0.1", "ORDER_SAGA_METRICS_ADDRESS")
