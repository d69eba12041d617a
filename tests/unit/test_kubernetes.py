"""The manifests, built by kubectl and held against the schemas of Kubernetes itself."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import Settings
from tests.harness.children import ROOT
from workflows import policies

KUBECTL = Path(sys.executable).with_name("kubectl")
OVERLAYS = ("temporal-cloud", "in-cluster")

Manifests = dict[str, dict[str, Any]]


@pytest.fixture(scope="module", params=OVERLAYS)
def manifests(request: pytest.FixtureRequest) -> Manifests:
    """Everything that an overlay applies, by kind."""
    command = [KUBECTL, "kustomize", ROOT / "kubernetes" / request.param]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return {manifest["kind"]: manifest for manifest in yaml.safe_load_all(built.stdout)}


def pod(manifests: Manifests) -> dict[str, Any]:
    spec: dict[str, Any] = manifests["Deployment"]["spec"]["template"]["spec"]
    return spec


def container(manifests: Manifests) -> dict[str, Any]:
    [worker] = pod(manifests)["containers"]
    assert isinstance(worker, dict)
    return worker


def test_kubernetes_would_take_them(manifests: Manifests) -> None:
    import kubernetes_validate  # takes a second, which each process of a test run would spend

    assert set(manifests) == {"ConfigMap", "Deployment", "PodDisruptionBudget"}
    newest = kubernetes_validate.latest_version()
    for manifest in manifests.values():
        kubernetes_validate.validate(manifest, newest, strict=True)


def test_every_setting_is_one_and_none_is_a_secret(manifests: Manifests) -> None:
    known = {f"ORDER_SAGA_{field}".upper() for field in Settings.model_fields}
    variables = container(manifests)["env"]
    named = {*manifests["ConfigMap"]["data"], *(each["name"] for each in variables)}
    assert {name for name in named if name.startswith("ORDER_SAGA_")} <= known
    assert {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "ORDER_SAGA_BUILD_ID"} <= named
    assert not any(
        re.search(r"PASSWORD|_URL$|API_KEY", key) for key in manifests["ConfigMap"]["data"]
    )
    assert all("value" not in each for each in variables)


def test_the_settings_are_those_that_the_deployment_reads(manifests: Manifests) -> None:
    read = [each.get("configMapRef", {}).get("name") for each in container(manifests)["envFrom"]]
    assert manifests["ConfigMap"]["metadata"]["name"] in read


def test_the_probes_ask_where_the_worker_listens(manifests: Manifests) -> None:
    worker = container(manifests)
    _, _, port = manifests["ConfigMap"]["data"]["ORDER_SAGA_HEALTH_ADDRESS"].partition(":")
    assert [p["containerPort"] for p in worker["ports"] if p["name"] == "health"] == [int(port)]
    for probe, path in (("startup", "/live"), ("liveness", "/live"), ("readiness", "/ready")):
        assert worker[f"{probe}Probe"]["httpGet"] == {"path": path, "port": "health"}


def test_prometheus_is_told_where_the_worker_exposes_its_metrics(manifests: Manifests) -> None:
    host, _, port = manifests["ConfigMap"]["data"]["ORDER_SAGA_METRICS_ADDRESS"].partition(":")
    ports = {p["name"]: p["containerPort"] for p in container(manifests)["ports"]}
    annotations = manifests["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert host == "0.0.0.0"
    assert ports["metrics"] == int(port)
    assert annotations == {"prometheus.io/scrape": "true", "prometheus.io/port": port}


def test_a_pod_outlives_any_activity_that_runs_when_it_is_told_to_stop(
    manifests: Manifests,
) -> None:
    attempts = [
        policy.attempt.total_seconds()
        for policy in vars(policies).values()
        if hasattr(policy, "attempt") and not isinstance(policy, type)
    ]
    graceful = float(manifests["ConfigMap"]["data"]["ORDER_SAGA_GRACEFUL_SHUTDOWN_SECONDS"])
    assert len(attempts) > 5
    assert max(attempts) < graceful < pod(manifests)["terminationGracePeriodSeconds"]


def test_a_drained_node_leaves_a_worker_of_the_same_version(manifests: Manifests) -> None:
    selector = manifests["PodDisruptionBudget"]["spec"]["selector"]
    assert selector == manifests["Deployment"]["spec"]["selector"]
    version = selector["matchLabels"]["app.kubernetes.io/version"]
    assert manifests["Deployment"]["metadata"]["name"].endswith(f"-{version}")
    assert container(manifests)["image"].endswith(f":{version}")
    assert manifests["Deployment"]["spec"]["replicas"] > 1
    build_id = next(e for e in container(manifests)["env"] if e["name"] == "ORDER_SAGA_BUILD_ID")
    label = build_id["valueFrom"]["fieldRef"]["fieldPath"]
    assert label == "metadata.labels['app.kubernetes.io/version']"
