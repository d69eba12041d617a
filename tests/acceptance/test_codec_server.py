"""The codec server: decrypts for whoever has its token, and for the Web UI's pages only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import NamedTuple

import pytest

from tests.harness.builders import an_id
from tests.harness.keys import key_file
from tests.harness.running import assert_fails_with_one_line
from tests.harness.system import System

UI = "http://ui.example:8233"
TOKEN = "token-of-the-tests"
BEARER = {"authorization": f"Bearer {TOKEN}"}
STREET = "123 Main St"


class Answer(NamedTuple):
    """Answer of an HTTP server."""

    status: int
    body: str
    #: The origin whose pages may read it.
    allowed: str | None


class Codec(NamedTuple):
    """A codec server that runs, and an order whose payloads it can decrypt."""

    address: str
    system: System
    workflow_id: str

    def asked(self, path: str, body: str, method: str = "POST", **headers: str) -> Answer:
        """Return its answer to a request."""
        connection = HTTPConnection(self.address, timeout=10)
        connection.request(method, path, body, {"content-type": "application/json", **headers})
        answer = connection.getresponse()
        text = answer.read().decode()
        return Answer(answer.status, text, answer.getheader("access-control-allow-origin"))

    def stored(self) -> str:
        """Return the order as the Temporal server has it."""
        history = self.system.temporal_json("workflow", "show", "-w", self.workflow_id)
        events = history["events"]
        assert isinstance(events, list)
        return json.dumps(events[0]["workflowExecutionStartedEventAttributes"]["input"])


@pytest.fixture(scope="module")
def codec(running_system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Codec]:
    """A system that encrypts, an order in it, and the codec server."""
    system = running_system.beside(tmp_path_factory.mktemp("codec"))
    system.env["ORDER_SAGA_ENCRYPTION_KEYS"] = key_file(system.folder / "keys")
    system.env["ORDER_SAGA_CODEC_TOKEN"] = TOKEN
    system.start_worker()
    order_id = an_id()
    assert system.order(order_id).returncode == 0
    server = system.start("-m", "runtime.codec_server", "--port", "0", "--origin", UI)
    address = server.until_it_says(r"--codec-endpoint http://(\S+)")[1]
    assert TOKEN not in server.output()
    yield Codec(address, system, f"order_saga_{order_id}")
    server.process.terminate()
    assert server.exit_code() == 0
    system.stop()


def test_temporals_own_command_line_shows_what_was_encrypted(codec: Codec) -> None:
    show = ("workflow", "show", "--workflow-id", codec.workflow_id, "--detailed")
    assert STREET not in codec.system.temporal(*show).stdout
    through = ("--codec-endpoint", f"http://{codec.address}", "--codec-auth", f"Bearer {TOKEN}")
    assert STREET in codec.system.temporal(*show, *through).stdout


def test_the_web_ui_has_the_token_in_the_path_and_may_read_the_answer(codec: Codec) -> None:
    shown = codec.asked(f"/{TOKEN}/decode?preserveStorageRefs=true", codec.stored(), origin=UI)
    assert (shown.status, shown.allowed) == (200, UI)
    encrypted = codec.asked(f"/{TOKEN}/encode", shown.body)
    assert "encryption-key-id" in encrypted.body
    assert codec.asked("/decode", encrypted.body, **BEARER).body == shown.body


def test_a_page_of_another_origin_may_not_read_the_answer(codec: Codec) -> None:
    for origin, status in ((UI, 200), ("http://evil.example", 400)):
        asks = {"origin": origin, "access-control-request-method": "POST"}
        preflight = codec.asked(f"/{TOKEN}/decode", "", "OPTIONS", **asks)
        assert preflight.status == status
        answer = codec.asked("/decode", codec.stored(), origin=origin, **BEARER)
        allowed = origin if origin == UI else None
        assert preflight.allowed == answer.allowed == allowed


@pytest.mark.parametrize("code", ["decode", "encode"])
def test_without_the_token_it_tells_nothing(codec: Codec, code: str) -> None:
    asked = [
        codec.asked(f"/{code}", codec.stored()),
        codec.asked(f"/{code}", codec.stored(), authorization="Bearer another-token"),
        codec.asked(f"/another-token/{code}", codec.stored()),
        codec.asked(f"/another-token/{code}", codec.stored(), **BEARER),
    ]
    assert [answer.status for answer in asked] == [401] * 4


def test_what_it_cannot_read_stays_as_it_is_and_hides_nothing_else(codec: Codec) -> None:
    [readable] = json.loads(codec.stored())["payloads"]
    other = {**readable["metadata"], "encryption-key-id": "MDEyMzQ1Njc4OWFiY2RlZg=="}
    lost = {**readable, "metadata": other}
    answer = codec.asked("/decode", json.dumps({"payloads": [lost, readable]}), **BEARER)
    first, second = json.loads(answer.body)["payloads"]
    assert first == lost
    assert second != readable
    assert codec.asked("/decode", "no JSON", **BEARER).status == 400


def test_without_keys_it_does_not_start(stopped_system: System) -> None:
    done = stopped_system.ended("-m", "runtime.codec_server", "--port", "0")
    assert_fails_with_one_line(done, "ORDER_SAGA_ENCRYPTION_KEYS")
