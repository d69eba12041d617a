"""The connection: any server the SDK's settings name, or one line that says what is wrong."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path
from uuid import uuid4

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from messages.wire import SAGA_STATUS
from runtime.client import (
    BadConnectionSettings,
    NoServer,
    connect,
    ensure_search_attribute,
    open_client,
)
from runtime.exits import ExitCode


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing that the person who runs the tests has set up for Temporal."""
    for name in ("ADDRESS", "NAMESPACE", "API_KEY", "PROFILE", "TLS"):
        monkeypatch.delenv(f"TEMPORAL_{name}", raising=False)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "temporal.toml"))


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def address_of(env: WorkflowEnvironment) -> str:
    return env.client.service_client.config.target_host


async def test_connects_where_the_environment_says(
    env: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", address_of(env))

    client = await connect()

    assert client.namespace == "default"
    assert client.service_client.config.target_host == address_of(env)


async def test_connects_where_a_profile_says(
    env: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "temporal.toml").write_text(f'[profile.night]\naddress = "{address_of(env)}"\n')
    monkeypatch.setenv("TEMPORAL_PROFILE", "night")

    assert (await connect()).service_client.config.target_host == address_of(env)


async def test_no_server_is_one_line_that_says_where_and_what_to_do(
    closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{closed_port}")

    with pytest.raises(NoServer) as none:
        await connect()

    line = str(none.value)
    assert f"127.0.0.1:{closed_port} (nothing listens there)" in line
    assert "make server" in line
    assert "TEMPORAL_ADDRESS" in line
    assert "\n" not in line
    assert none.value.code is ExitCode.NO_SERVER


async def test_an_unknown_host_is_no_server() -> None:
    with pytest.raises(NoServer, match="the host name is unknown"):
        await open_client({"target_host": "nobody.invalid:7233"})


async def test_a_port_that_never_answers_is_given_up_in_time(silent_port: int) -> None:
    began = time.monotonic()

    with pytest.raises(NoServer, match=r"nothing answered within 0\.5 s"):
        await open_client({"target_host": f"127.0.0.1:{silent_port}"}, answer_within=0.5)

    assert time.monotonic() - began < 3


@pytest.fixture
async def breaking_off(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """Address of a server that ends each connection after some bytes, perhaps with a reset."""
    after, reset = request.param

    async def end(reader: StreamReader, writer: StreamWriter) -> None:
        if after:
            await reader.read(after)
        if reset:
            linger = struct.pack("ii", 1, 0)
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    server = await asyncio.start_server(end, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("tls", ["0", "1"])
@pytest.mark.parametrize("breaking_off", [*product((0, 1, 40), (False, True))], indirect=True)
async def test_a_server_that_breaks_off_may_need_what_the_settings_lack(
    breaking_off: str, tls: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", breaking_off)
    monkeypatch.setenv("TEMPORAL_TLS", tls)

    with pytest.raises(
        NoServer, match="it broke off; it may need another client certificate or API key, or TLS"
    ):
        await connect()


async def test_tls_towards_a_server_without_it_is_said(
    env: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", address_of(env))
    monkeypatch.setenv("TEMPORAL_API_KEY", "a key makes the SDK use TLS")

    with pytest.raises(NoServer, match="does not speak TLS"):
        await connect()


async def test_a_missing_namespace_is_said_with_how_to_create_it(
    env: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", address_of(env))
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "nowhere")

    with pytest.raises(NoServer, match="namespace create --namespace nowhere"):
        await connect()


@pytest.mark.parametrize(
    "address",
    ["nonsense", "127.0.0.1", "http://localhost:7233", "localhost:port", "a b:7233", ":7233",
     "localhost:0", "localhost:65536", "::1:7233"],
)  # fmt: skip
async def test_an_address_that_is_none_is_bad_input(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", address)

    with pytest.raises(BadConnectionSettings, match="has to be host:port") as bad:
        await connect()

    assert bad.value.code is ExitCode.BAD_INPUT


async def test_a_broken_configuration_file_is_bad_input_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "temporal.toml").write_text("[profile.default\naddress=")

    with pytest.raises(BadConnectionSettings, match="TOML") as bad:
        await connect()

    assert "\n" not in str(bad.value)


async def test_a_profile_that_does_not_exist_is_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_PROFILE", "night")

    with pytest.raises(BadConnectionSettings, match="night"):
        await connect()


async def test_a_certificate_that_cannot_be_read_is_bad_input(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(tmp_path / "ca.pem"))

    with pytest.raises(BadConnectionSettings, match=r"ca\.pem"):
        await connect()


async def new_namespace(env: WorkflowEnvironment) -> Client:
    """Return a client of a namespace that knows no search attribute of ours."""
    name = f"namespace-{uuid4()}"
    retention = Duration()
    retention.FromTimedelta(timedelta(days=1))
    await env.client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=retention)
    )
    return await open_client({"target_host": address_of(env), "namespace": name})


async def test_a_missing_search_attribute_is_added_and_usable(env: WorkflowEnvironment) -> None:
    client = await new_namespace(env)

    await ensure_search_attribute(client)

    assert (await client.count_workflows(f"{SAGA_STATUS} = 'FAILED'")).count == 0
    await ensure_search_attribute(client)


async def test_a_search_attribute_of_another_type_is_said_with_the_command(
    env: WorkflowEnvironment,
) -> None:
    client = await new_namespace(env)
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=client.namespace,
            search_attributes={SAGA_STATUS: IndexedValueType.INDEXED_VALUE_TYPE_TEXT},
        )
    )

    with pytest.raises(NoServer, match=f"--name {SAGA_STATUS} --type Keyword"):
        await ensure_search_attribute(client, known_within=0.5)
