"""Names of the metrics that alerts and dashboard ask for, and that a worker exposes."""

from __future__ import annotations

import json
import re

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
