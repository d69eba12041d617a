"""Metrics of a worker for Prometheus: those of the SDK and ours, at one address."""

from __future__ import annotations

from collections.abc import Callable

from temporalio.client import Client
from temporalio.common import MetricMeter
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from messages.metrics import COUNTERS, DURATION, DURATION_BUCKETS, FENCE_ANSWERS, MODE_OF
from messages.text import one_line
from runtime.exits import FatalError
from runtime.logs import logger


class MetricsUnavailable(FatalError):
    """The metrics cannot be exposed at the address."""


def set_up_runtime(address: str | None, *, forward_logs: bool) -> MetricMeter:
    """Set up the SDK's runtime; call this before the first client connects.

    Args:
        address: address at which Prometheus reads the metrics; None to expose none.
        forward_logs: whether the SDK's core logs through Python's logging, not by itself.

    Raises:
        MetricsUnavailable: nothing can listen at the address.
    """
    if address is None and not forward_logs:
        return MetricMeter.noop
    telemetry = TelemetryConfig(
        # Its messages are constant. The fields beside them may contain failures and payloads.
        logging=LoggingConfig(
            TelemetryFilter(core_level="WARN", other_level="ERROR"),
            LogForwardingConfig(
                logger,
                append_target_to_name=False,
                prepend_target_on_message=False,
                append_log_fields_to_message=False,
            ),
        )
        if forward_logs
        else LoggingConfig.default,
        metrics=PrometheusConfig(
            bind_address=address,
            counters_total_suffix=True,
            unit_suffix=True,
            durations_as_seconds=True,
            histogram_bucket_overrides={DURATION.name: DURATION_BUCKETS},
        )
        if address
        else None,
        attach_service_name=False,
    )
    try:
        runtime = Runtime(telemetry=telemetry)
    except ValueError as error:
        raise MetricsUnavailable(
            f"the metrics cannot be exposed at {address}: {one_line(error)};"
            " set ORDER_SAGA_METRICS_ADDRESS to another address, or unset it"
        ) from None
    Runtime.set_default(runtime)
    return runtime.metric_meter


def fence_answer_counter(meter: MetricMeter) -> Callable[[str, str], None]:
    """Return what counts an answer of a service's fence."""
    counter = meter.create_counter(FENCE_ANSWERS.name, FENCE_ANSWERS.help)

    def count(service: str, answer: str) -> None:
        counter.add(1, {"service": service, "answer": answer})

    return count


def begin_at_zero(meter: MetricMeter, client: Client, task_queue: str) -> None:
    """Expose each of our counters with 0, so that Prometheus also sees its first increase."""
    for metric in COUNTERS:
        counter = meter.create_counter(metric.name, metric.help)
        for labels in metric.series():
            if not metric.workflow_types:
                counter.add(0, dict(labels))
            for kind in metric.workflow_types:
                # As the SDK labels what a workflow counts.
                workflow = {
                    "namespace": client.namespace,
                    "task_queue": task_queue,
                    "workflow_type": kind,
                }
                # Each mode has a workflow type of its own.
                if labels.get("mode") in (None, MODE_OF.get(kind)):
                    counter.add(0, {**labels, **workflow})
