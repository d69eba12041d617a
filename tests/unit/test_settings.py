"""What makes no sense as a setting is said in one line."""

from __future__ import annotations

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
