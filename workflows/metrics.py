"""Counters of what workflows do. Nothing is counted or logged while a history is replayed."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages import metrics
    from messages.metrics import Metric


def count(metric: Metric, **labels: str) -> None:
    """Add one to a counter; nothing happens if the worker exposes no metrics."""
    workflow.metric_meter().create_counter(metric.name, metric.help).add(1, dict(labels))


def measure(metric: Metric, time: timedelta, **labels: str) -> None:
    """Add a length of time to a histogram."""
    histogram = workflow.metric_meter().create_histogram_float(metric.name, metric.help)
    histogram.record(time.total_seconds(), dict(labels))


def count_compensation(step: str, result: str) -> None:
    """Count and log a step that was undone, or that waits for an operator."""
    count(metrics.COMPENSATIONS, step=step, result=result)
    workflow.logger.info("compensation: %s", result, extra={"step": step})


def count_delivery(event_type: str, result: str) -> None:
    """Count and log a delivery that ended or was parked."""
    known = event_type if event_type in metrics.DELIVERIES.labels["event"] else metrics.OTHER
    count(metrics.DELIVERIES, event=known, result=result)
    workflow.logger.info("delivery of %s: %s", known, result)


def undoing(had_effect: bool, by_hand: object) -> str:
    """Return the result of a compensation that succeeded, as its label."""
    if by_hand is not None:
        return "by_hand"
    return "undone" if had_effect else "nothing_to_undo"
