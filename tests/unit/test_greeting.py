"""The first lines of a worker say what it is, and nothing that it is not."""

from __future__ import annotations

import pytest
from temporalio.client import Client

from runtime.data_converter import data_converter
from runtime.greeting import greeting
from runtime.slots import Slots
from workflows.running import deployment_config


@pytest.fixture
async def client() -> Client:
    """A client that connects to nothing."""
    return await Client.connect("temporal:7233", lazy=True, data_converter=data_converter)


async def test_a_plain_worker_says_little(client: Client) -> None:
    lines = greeting(client, ["workflows", "payment"], None, Slots(50, 100), {"q": None}, {})
    assert list(lines) == [
        "hosting workflows, payment; no version; payloads not encrypted",
        "up to 50 activities and 100 workflow tasks at a time",
        "polling task queue 'q' on temporal:7233, namespace default; Ctrl-C stops it",
    ]


async def test_a_worker_says_what_was_set(client: Client) -> None:
    lines = greeting(
        client,
        ["payment"],
        deployment_config("order-saga", "2", fast_path=False),
        Slots(50, 100, 0.8, 0.95),
        {"q": None, "payments": 7.5},
        {"health": "http://127.0.0.1:1/ready", "metrics": None},
    )
    assert list(lines) == [
        "hosting payment; version 2 of deployment order-saga; payloads not encrypted",
        "up to 50 activities and 100 workflow tasks at a time, while memory is below 80% and CPU"
        " below 95%",
        "up to 7.5 activities a second from 'payments'",
        "health at http://127.0.0.1:1/ready",
        "polling task queues 'q', 'payments' on temporal:7233, namespace default; Ctrl-C stops it",
    ]


async def test_a_worker_on_the_fast_path_says_so(client: Client) -> None:
    version = deployment_config("order-saga", None, fast_path=True)
    first = next(greeting(client, ["workflows"], version, Slots(50, 100), {"q": None}, {}))
    assert "no version, fast-path;" in first
