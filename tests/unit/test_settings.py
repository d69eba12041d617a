"""Settings that make no sense are refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from settings import PARTS, BadSettings, Settings, read_settings


def test_by_default_a_worker_hosts_everything_on_one_task_queue() -> None:
    settings = Settings()
    assert settings.hosts == PARTS
    assert set(settings.task_queues().values()) == {settings.task_queue}


def test_a_service_is_hosted_alone_on_a_queue_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDER_SAGA_HOSTS", "payment")
    monkeypatch.setenv("ORDER_SAGA_PAYMENT_TASK_QUEUE", "payments")
    assert read_settings().hosts == ("payment",)


def test_the_workflows_are_hosted_alone_beside_the_services(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORDER_SAGA_HOSTS", "workflows")
    assert read_settings().hosts == ("workflows",)


def test_a_service_cannot_be_hosted_without_those_that_share_its_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORDER_SAGA_HOSTS", "payment, inventory")
    with pytest.raises(BadSettings, match="ORDER_SAGA_INVENTORY_TASK_QUEUE"):
        read_settings()


def test_an_unknown_part_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDER_SAGA_HOSTS", "payment,billing")
    with pytest.raises(BadSettings, match="billing"):
        read_settings()


@pytest.mark.parametrize("queue", ['a "queue"', "it's", "back\\slash", "two\nlines", ""])
def test_a_task_queue_whose_runs_a_server_could_not_list_is_refused(
    monkeypatch: pytest.MonkeyPatch, queue: str
) -> None:
    monkeypatch.setenv("ORDER_SAGA_TASK_QUEUE", queue)
    with pytest.raises(BadSettings, match="task_queue: "):
        read_settings()


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [("ORDER_SAGA_DATADIR", "ORDER_SAGA_DATA_DIR"), ("ORDER_SAGA_FAULT", "ORDER_SAGA_FAULTS")],
)
def test_a_name_that_nobody_knows_is_refused_with_the_one_that_was_meant(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mistyped: str, meant: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(mistyped, "x")
    with pytest.raises(BadSettings, match=rf"environment: .* {mistyped}; the nearest is {meant} "):
        read_settings()
    monkeypatch.delenv(mistyped)
    Path(".env").write_text(f"{mistyped}=x\n")
    with pytest.raises(BadSettings, match=rf"\.env: .* {mistyped}; the nearest is {meant} "):
        read_settings()


def test_names_of_others_are_none_of_our_business(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEMPORAL_NONSENSE", "x")
    monkeypatch.setenv("order_saga_data_dir", "known/in/any/case")
    Path(".env").write_text("ORDERS=7\nORDER_SAGA_TASK_QUEUE=known\n")
    assert read_settings().task_queue == "known"


def test_every_setting_is_in_the_example_and_nothing_else_is() -> None:
    example = Path(__file__).parents[2].joinpath(".env.example").read_text()
    named = {
        line.removeprefix("#").split("=")[0]
        for line in example.splitlines()
        if line.startswith("#ORDER_SAGA_")
    }
    assert named == {f"ORDER_SAGA_{field}".upper() for field in Settings.model_fields}


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"ORDER_SAGA_HOSTS": "workflows", "ORDER_SAGA_TASK_QUEUE": "x"},
        {"ORDER_SAGA_PAYMENT_TASK_QUEUE": "payment"},
    ],
    ids=["not all parts", "two task queues"],
)
def test_the_fast_path_needs_all_parts_on_one_task_queue(
    monkeypatch: pytest.MonkeyPatch, elsewhere: dict[str, str]
) -> None:
    monkeypatch.setenv("ORDER_SAGA_FAST_PATH", "true")
    assert read_settings().fast_path
    for name, value in elsewhere.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings, match="the fast path needs a worker that hosts all parts"):
        read_settings()


@pytest.mark.parametrize(
    ("beside", "advice"),
    [
        ({}, "set ORDER_SAGA_PAYMENT_TASK_QUEUE, or unset ORDER_SAGA_PAYMENT_RATE_LIMIT"),
        (
            {"ORDER_SAGA_PAYMENT_TASK_QUEUE": "x", "ORDER_SAGA_SHIPPING_TASK_QUEUE": "x"},
            "set ORDER_SAGA_PAYMENT_TASK_QUEUE",
        ),
        ({"ORDER_SAGA_FAST_PATH": "true"}, "the fast path knows no rate limit"),
    ],
    ids=["the workflows' task queue", "another service's", "the fast path"],
)
def test_a_rate_is_limited_only_on_a_task_queue_of_the_services_own(
    monkeypatch: pytest.MonkeyPatch, beside: dict[str, str], advice: str
) -> None:
    monkeypatch.setenv("ORDER_SAGA_PAYMENT_RATE_LIMIT", "5")
    for name, value in beside.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings, match=advice):
        read_settings()
    monkeypatch.setenv("ORDER_SAGA_PAYMENT_TASK_QUEUE", "payments")
    monkeypatch.delenv("ORDER_SAGA_FAST_PATH", raising=False)
    settings = read_settings()
    assert settings.rate_limit_of("payments") == 5
    assert settings.rate_limit_of(settings.task_queue) is None


def test_a_worker_looks_at_memory_and_cpu_or_at_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDER_SAGA_TARGET_CPU_USAGE", "0.9")
    with pytest.raises(BadSettings, match="ORDER_SAGA_TARGET_MEMORY_USAGE"):
        read_settings()
