"""Bad orders: told in one line, before any server is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.errors import BadInput
from cli.order_file import read_order
from messages.text import one_line
from tests.harness.builders import seed_order_json
from tests.harness.running import Completed
from tests.harness.system import System

SEED = json.loads(seed_order_json())
ITEM = SEED["items"][0]
REPLAY = ("--action", "replay", "--note", "n")


def changed(**fields: object) -> bytes:
    return json.dumps({**SEED, **fields}).encode()


BAD = {
    "malformed": (b'{"order_id": ', "line 1"),
    "empty": (b"", "is empty"),
    "binary": (b"\x00\xff\xfe\x9f" * 10, "not UTF-8"),
    "not an object": (b"[1, 2]", "order"),
    "unknown field": (changed(colour="red"), "colour"),
    "missing field": (json.dumps({"order_id": "x"}).encode(), "user_id"),
    "zero quantity": (changed(items=[{**ITEM, "quantity": 0}]), "items.0.quantity"),
    "negative quantity": (changed(items=[{**ITEM, "quantity": -1}]), "items.0.quantity"),
    "half a piece": (changed(items=[{**ITEM, "quantity": 1.5}]), "items.0.quantity"),
    "wrong total": (changed(total_amount=199.99), "add up to 200.00"),
    "NaN": (changed(total_amount=float("nan")), "total_amount"),
    "infinite": (changed(total_amount=float("inf")), "total_amount"),
    "infinite price": (changed(items=[{**ITEM, "price": float("inf")}]), "items.0.price"),
    "listed twice": (changed(items=[ITEM, ITEM]), "item_1"),
    "no items": (changed(items=[]), "items"),
    "absurdly long": (changed(order_id="x" * 500_000), "order_id"),
    "absurdly long field": (changed(**{"y" * 500_000: 1}), "yyyy"),
    "too large": (changed(order_id="x" * 2_000_000), "larger than"),
    "lone surrogate": (changed(user_id="@").replace(b"@", rb"\ud800"), "hex escape"),
    "deep nesting": (b"[" * 100_000, "recursion"),
    "duplicate key": (seed_order_json()[:-1].encode() + b', "user_id": "u"}', "user_id"),
    "escape codes": (changed(**{"\x1b[31mred": 1}), "red"),
}


#: They are given to the command line; the others to what reads the file for it.
TO_A_PROGRAM = ("malformed", "binary", "too large", "deep nesting", "escape codes")


def assert_bad_input(done: Completed, *words: str) -> None:
    assert done.returncode == 2, done.stderr
    assert not done.stdout
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert_clear(done.stderr, *words)


def assert_clear(message: str, *words: str) -> None:
    assert len(message) < 1000
    assert "\x1b" not in message
    for word in words:
        assert word in message


@pytest.fixture
def nowhere(tmp_path: Path) -> System:
    """No server at all: whoever needs one exits 3."""
    system = System(tmp_path)
    system.env["TEMPORAL_ADDRESS"] = "127.0.0.1:1"
    return system


@pytest.mark.parametrize("name", sorted(BAD.keys() - TO_A_PROGRAM))
def test_of_a_bad_order_it_is_said_what_is_wrong_and_where(tmp_path: Path, name: str) -> None:
    content, where = BAD[name]
    file = tmp_path / "bad.json"
    file.write_bytes(content)
    with pytest.raises(BadInput) as refused:
        read_order(str(file))
    assert_clear(one_line(refused.value), str(file), where)


@pytest.mark.parametrize("name", TO_A_PROGRAM)
def test_a_bad_order_exits_2_and_says_what_and_where(nowhere: System, name: str) -> None:
    content, where = BAD[name]
    file = nowhere.folder / "bad.json"
    file.write_bytes(content)
    assert_bad_input(nowhere.starter("order", str(file)), str(file), where)


def test_a_file_that_cannot_be_read_exits_2(nowhere: System) -> None:
    missing = nowhere.folder / "nothing.json"
    assert_bad_input(nowhere.starter("order", str(missing)), str(missing), "No such file")
    assert_bad_input(nowhere.starter("order", str(nowhere.folder)), "directory")
    assert_bad_input(nowhere.starter("order", "/dev/zero"), "/dev/zero", "larger than")
    assert_bad_input(nowhere.starter("order", "-", stdin=""), "standard input", "empty")


@pytest.mark.parametrize(
    "arguments",
    [
        ("order",),
        ("order", "x.json", "--deadline", "0"),
        ("order", "x.json", "--mode", "chaos"),
        ("status", "x", "--colour"),
        ("resolve", "x", "--step", "s", "--action", "ignore", "--note", "n"),
        ("resolve", "x", "--step", "s", "--action", "retry"),
        ("resolve", "x", "--step", "process_payment", *REPLAY),
        ("resolve", "x", "--mode", "orchestration", "--step", "a/b", *REPLAY),
        ("cancel", "x", "--reason", "x" * 100_000),
        ("simulate", "--orders", "0"),
        ("simulate", "--orders", "many"),
        ("simulate", "--concurrency", "-1"),
        ("simulate", "--prefix", "a b"),
        ("demo", "--port", "99999"),
        ("dance",),
    ],
    ids=" ".join,
)
def test_a_wrong_option_exits_2_with_one_line(nowhere: System, arguments: tuple[str, ...]) -> None:
    assert_bad_input(nowhere.starter(*arguments))


def test_a_setting_that_makes_no_sense_exits_2(nowhere: System) -> None:
    order = str(Path(__file__).parents[2] / "examples" / "order.json")
    done = nowhere.starter("order", order, ORDER_SAGA_MAX_CONCURRENT_ACTIVITIES="lots")
    assert_bad_input(done, "max_concurrent_activities")
    assert_bad_input(nowhere.starter("order", order, TEMPORAL_ADDRESS="nonsense"), "host:port")
