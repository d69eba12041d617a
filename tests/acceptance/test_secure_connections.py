"""Connections by mTLS and by API key, as a cluster or Temporal Cloud asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.harness.builders import an_id
from tests.harness.running import assert_one_line
from tests.harness.system import System
from tests.harness.tls import Authority, TlsEndpoint


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def mtls(system_beside: System, authority: Authority) -> Iterator[System]:
    """A system behind an endpoint that asks its clients for a certificate."""
    with closing(TlsEndpoint(system_beside.address, authority, clients=authority)) as endpoint:
        certificate, key = authority.issue("client")
        system_beside.env |= {
            "TEMPORAL_ADDRESS": endpoint.address,
            "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(authority.certificate),
            "TEMPORAL_TLS_CLIENT_CERT_PATH": str(certificate),
            "TEMPORAL_TLS_CLIENT_KEY_PATH": str(key),
        }
        yield system_beside


@pytest.fixture
def with_api_key(system_beside: System, authority: Authority) -> Iterator[System]:
    """A system behind an endpoint that asks its clients for an API key."""
    endpoint = TlsEndpoint(system_beside.address, authority, api_key="key-of-the-tests")
    with closing(endpoint):
        system_beside.env |= {
            "TEMPORAL_ADDRESS": endpoint.address,
            "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(authority.certificate),
            "TEMPORAL_API_KEY": "key-of-the-tests",
        }
        yield system_beside


def test_worker_and_commands_connect_with_a_client_certificate(mtls: System) -> None:
    mtls.start_worker()
    assert mtls.order(an_id()).returncode == 0


def test_worker_and_commands_connect_with_an_api_key(with_api_key: System) -> None:
    with_api_key.start_worker()
    assert with_api_key.order(an_id()).returncode == 0


def test_who_has_the_wrong_api_key_is_told_so(with_api_key: System) -> None:
    said = with_api_key.starter("inbox", TEMPORAL_API_KEY="another key")
    assert_one_line(
        said, 3, with_api_key.address, "it may need another client certificate or API key"
    )


def test_who_has_no_certificate_is_told_so(mtls: System) -> None:
    for name in ("CLIENT_CERT_PATH", "CLIENT_KEY_PATH"):
        del mtls.env[f"TEMPORAL_TLS_{name}"]
    # The endpoint's reason may arrive before or after the end of the connection, or not at all.
    assert_one_line(mtls.starter("inbox"), 3, mtls.address, "client certificate")


def test_a_server_that_nobody_vouches_for_is_not_trusted(mtls: System, tmp_path: Path) -> None:
    (tmp_path / "another").mkdir()
    another = str(Authority(tmp_path / "another").certificate)
    said = mtls.starter("inbox", TEMPORAL_TLS_SERVER_CA_CERT_PATH=another)
    assert_one_line(said, 3, "not signed by a trusted authority")
