"""Metrics: those that alerts and dashboard ask for, and those that a worker exposes."""

from __future__ import annotations

import json
import re

from temporalio.client import Client
from temporalio.runtime import MetricBuffer, Runtime, TelemetryConfig

from messages.metrics import Metric
from runs.waiting import WaitingGauges
from tests.harness.children import ROOT

ALERTS = ROOT / "monitoring" / "alerts.yml"
DASHBOARD = ROOT / "monitoring" / "dashboard.json"
_NAME = re.compile(r"\b(?:order_saga|temporal)_\w+")


def asked_for() -> set[str]:
    """Return the names in the alert rules and in the dashboard's panels."""
    rules = "\n".join(re.findall(r"expr:(.*?)\n +(?:for|labels):", ALERTS.read_text(), re.DOTALL))
    panels = json.loads(DASHBOARD.read_text())["panels"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    return set(_NAME.findall("\n".join([rules, *expressions])))


def names_in(exposition: str) -> set[str]:
    """Return the names of the series in what a worker exposes."""
    return set(re.findall(r"^(\w+)[{ ]", exposition, re.MULTILINE))


async def gauges_of(client: Client, task_queue: str, metric: Metric) -> dict[str, float]:
    """Return what a gauge says of what waits on a task queue, by kind."""
    buffer = MetricBuffer(1_000)
    meter = Runtime(telemetry=TelemetryConfig(metrics=buffer)).metric_meter
    await WaitingGauges(client, task_queue, meter).refresh()
    return {
        str(update.attributes["kind"]): update.value
        for update in buffer.retrieve_updates()
        if update.metric.name == metric.name
    }
