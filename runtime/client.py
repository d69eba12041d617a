"""Client connection to Temporal, set up by the SDK's own environment configuration."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, GetClusterInfoRequest
from temporalio.client import Client, Plugin
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.service import RPCError, RPCStatusCode

from messages.ledgers import Home
from messages.text import one_line
from messages.wire import SAGA_STATUS
from runtime.data_converter import data_converter_with
from runtime.encryption import NO_KEYS, Keys
from runtime.exits import ExitCode, FatalError
from runtime.programs import server_commands

DEFAULT_ADDRESS = "localhost:7233"
#: Seconds that a server has to answer.
ANSWER_WITHIN = 5.0
#: Seconds until the namespace must know a search attribute that was added to it.
KNOWN_WITHIN = 30.0

_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9_.-]+):(\d{1,5})")


class NoServer(FatalError):
    """No Temporal server could be used at the address."""

    code = ExitCode.NO_SERVER


class BadConnectionSettings(FatalError):
    """The settings of the connection contradict themselves or cannot be read."""


async def connect(
    keys: Keys = NO_KEYS,
    *,
    answer_within: float = ANSWER_WITHIN,
    plugins: Sequence[Plugin] = (),
) -> Client:
    """Connect as the ``TEMPORAL_…`` variables or a profile say.

    Args:
        keys: encrypt what the client sends, and decrypt what it receives.
        answer_within: seconds that the server has to answer.
        plugins: the SDK's plugins of the client and of its workers.

    Raises:
        BadConnectionSettings: they cannot be read, or the address is not ``host:port``.
        NoServer: no server answers within ``answer_within`` seconds, it refuses the
            connection, or it has no such namespace.
    """
    config = _from_environment()
    return await open_client(config, keys, answer_within=answer_within, plugins=plugins)


async def open_client(
    config: ClientConnectConfig,
    keys: Keys = NO_KEYS,
    *,
    answer_within: float = ANSWER_WITHIN,
    plugins: Sequence[Plugin] = (),
) -> Client:
    """Connect as ``config`` says; raises as :func:`connect` does."""
    address = config.setdefault("target_host", DEFAULT_ADDRESS)
    namespace = config.setdefault("namespace", "default")
    _check(address)
    try:
        return await asyncio.wait_for(_answering(config, keys, plugins), answer_within)
    except asyncio.TimeoutError:
        raise _no_server(address, f"nothing answered within {answer_within:g} s") from None
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise _no_namespace(address, namespace) from None
        raise _no_server(address, one_line(error.message)) from None
    except ValueError as error:
        raise BadConnectionSettings(f"cannot connect to {address}: {error}") from None
    except RuntimeError as error:
        raise _no_server(address, _reason(str(error))) from None


async def home_of(client: Client) -> Home:
    """Return the ids of the connected namespace and its cluster; their names are not unique."""
    cluster = await client.workflow_service.get_cluster_info(GetClusterInfoRequest())
    described = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace)
    )
    return Home(cluster.cluster_id, described.namespace_info.id)


async def ensure_search_attribute(client: Client, *, known_within: float = KNOWN_WITHIN) -> None:
    """Add the search attribute :data:`SAGA_STATUS` to the namespace, unless it is there.

    Without it, the workflow task of a run that sets the attribute fails again and again.

    Raises:
        NoServer: the attribute is missing or of another type, and cannot be added.
    """
    if await _knows_search_attribute(client):
        return
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=client.namespace,
                search_attributes={SAGA_STATUS: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD},
            )
        )
        await asyncio.wait_for(_search_attribute_known(client), known_within)
    except RPCError as error:
        raise _no_search_attribute(client, one_line(error.message)) from None
    except asyncio.TimeoutError:
        # If the name exists with another type, the server ignores the addition without an error.
        raise _no_search_attribute(client, "or one of another type") from None


async def _search_attribute_known(client: Client) -> None:
    while not await _knows_search_attribute(client):  # noqa: ASYNC110 - the server sends no event
        await asyncio.sleep(0.1)


async def _knows_search_attribute(client: Client) -> bool:
    try:
        # Listing the attributes needs rights that a worker may not have, and does not show
        # whether they can be used yet. Only the type Keyword has this operator.
        await client.count_workflows(f"{SAGA_STATUS} STARTS_WITH 'C'")
    except RPCError as error:
        if error.status is RPCStatusCode.INVALID_ARGUMENT:
            return False
        raise
    return True


async def _answering(config: ClientConnectConfig, keys: Keys, plugins: Sequence[Plugin]) -> Client:
    client = await Client.connect(
        **config, data_converter=data_converter_with(keys), plugins=plugins
    )
    # For the SDK an open port is enough. Only a request about the namespace shows that it
    # exists and that the API key gives access to it.
    await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace)
    )
    return client


def _from_environment() -> ClientConnectConfig:
    try:
        return ClientConfig.load_client_connect_config()
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}"
    # The SDK's own ConfigError has no public name.
    except Exception as error:
        problem = one_line(error)
    raise BadConnectionSettings(
        f"the Temporal connection settings (TEMPORAL_… variables or profile) are wrong: {problem}"
    )


def _check(address: str) -> None:
    match = _ADDRESS.fullmatch(address)
    if match is None or not 1 <= int(match[1]) <= 65535:
        raise BadConnectionSettings(
            f"{address!r} is not the address of a Temporal server: TEMPORAL_ADDRESS (or the"
            f" profile's address) has to be host:port, such as {DEFAULT_ADDRESS}"
        )


def _no_server(address: str, reason: str) -> NoServer:
    return NoServer(
        f"no Temporal server at {address} ({reason}); start one with"
        f" {server_commands()}, or set TEMPORAL_ADDRESS to where one runs"
    )


def _no_namespace(address: str, namespace: str) -> NoServer:
    return NoServer(
        f"the Temporal server at {address} has no namespace {namespace!r}; set TEMPORAL_NAMESPACE,"
        f" or create it with `temporal operator namespace create --namespace {namespace}`"
    )


def _no_search_attribute(client: Client, reason: str) -> NoServer:
    return NoServer(
        f"the namespace {client.namespace!r} has no search attribute {SAGA_STATUS} of type Keyword"
        f" ({reason}); create it with `temporal operator search-attribute create"
        f" --namespace {client.namespace} --name {SAGA_STATUS} --type Keyword`"
    )


_BROKE_OFF = "it broke off; it may need another client certificate or API key, or TLS"
#: Signs of it. Which of them there is depends on when the connection ends.
_BROKEN_OFF = (
    "close_notify",
    "ConnectionReset",
    "BrokenPipe",
    "UnexpectedEof",
    "connection closed",
)

#: Parts of the SDK's nested errors, each with its meaning.
_REASONS = (
    ("Connection refused", "nothing listens there"),
    ("dns error", "the host name is unknown"),
    ("InvalidContentType", "it does not speak TLS, and the settings ask for it"),
    ("UnknownIssuer", "its TLS certificate is not signed by a trusted authority"),
    ("BadSignature", "its TLS certificate is not signed by a trusted authority"),
    ("NotValidForName", "its TLS certificate is for another name"),
    ("CertificateRequired", "it asks for a client certificate"),
    ("Unauthenticated", "it does not accept this API key or client certificate"),
    *((sign, _BROKE_OFF) for sign in _BROKEN_OFF),
    ("http2 error", "the program that listens there is not Temporal, or needs TLS"),
)


def _reason(error: str) -> str:
    for sign, meaning in _REASONS:
        if sign in error:
            return meaning
    return one_line(error.removeprefix("Failed client connect: "))[:300]
