"""Debian's Prometheus and its promtool, for the tests of metrics and alerts."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from runtime.free_ports import any_free
from tests.harness.children import ROOT, heed_signals
from tests.harness.waiting import PATIENCE, wait_until

_SCRAPES = """\
global:
  scrape_interval: 500ms
  evaluation_interval: 500ms
rule_files: [{rules}]
scrape_configs:
  - job_name: order-saga
    static_configs: [{{targets: {targets}}}]
"""


def program(name: str) -> str:
    """Return the path of ``prometheus`` or ``promtool``; skip the test if it is not installed."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed; bash .ci/prometheus fetches it on Debian and Ubuntu")
    return found


def exposed(address: str) -> str:
    """Return the metrics that a worker or a server exposes."""
    with urlopen(f"http://{address}/metrics", timeout=PATIENCE) as answer:
        text: str = answer.read().decode()
        return text


class Prometheus:
    """A real Prometheus that scrapes workers and evaluates the alert rules."""

    def __init__(self, address: str) -> None:
        self.address = address

    def ask(self, expression: str) -> dict[str, float]:
        """Return the values of an expression, by the values of its labels in their order."""
        result = self._get("query", query=expression)["result"]
        assert isinstance(result, list)
        return {
            " ".join(each["metric"][label] for label in sorted(each["metric"])): float(
                each["value"][1]
            )
            for each in result
        }

    def alerts(self) -> set[str]:
        """Return the names of the alerts that are pending or firing."""
        found = self._get("alerts")["alerts"]
        assert isinstance(found, list)
        return {alert["labels"]["alertname"] for alert in found}

    def is_ready(self) -> bool:
        """Tell whether it answers."""
        try:
            with urlopen(f"http://{self.address}/-/ready", timeout=PATIENCE):
                return True
        except OSError:
            return False

    def _get(self, what: str, **parameters: str) -> dict[str, object]:
        url = f"http://{self.address}/api/v1/{what}?{urlencode(parameters)}"
        with urlopen(url, timeout=PATIENCE) as answer:
            data = json.load(answer)["data"]
        assert isinstance(data, dict)
        return data


@contextmanager
def a_prometheus(folder: Path, targets: Sequence[str]) -> Iterator[Prometheus]:
    """Run Prometheus on the repository's alert rules, with these workers to scrape."""
    config = folder / "prometheus.yml"
    rules = ROOT / "monitoring" / "alerts.yml"
    config.write_text(_SCRAPES.format(rules=json.dumps(str(rules)), targets=json.dumps(targets)))
    prometheus = Prometheus(f"127.0.0.1:{any_free()}")
    command = [
        program("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={prometheus.address}",
    ]
    with (folder / "prometheus.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, start_new_session=True, preexec_fn=heed_signals
        )
    try:
        wait_until(lambda: prometheus.is_ready() or process.poll() is not None, "Prometheus")
        yield prometheus
    finally:
        process.kill()
        process.wait()
