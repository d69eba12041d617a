"""Encryption of the whole system: nothing of an order is readable in Temporal's database."""

from __future__ import annotations

from pathlib import Path

from cli.modes import Mode
from cli.placing import place
from messages.orders import Order
from messages.sagas import SagaRolledBack, SagaSucceeded
from runs.descriptions import Handle
from runs.results import outcome
from runtime.client import open_client
from runtime.encryption import read_keys
from tests.harness.builders import an_id, seed_order_json
from tests.harness.builders import an_order as any_order
from tests.harness.faults import permanent, refusal, transient
from tests.harness.keys import key_file
from tests.harness.running import assert_one_line
from tests.harness.system import System

TROUBLE = (
    refusal("prepare_shipping", orders="stuck*"),
    permanent("refund_payment", orders="stuck*", times=1),
    transient("prepare_shipping", orders="halfway*"),
)
NOWHERE = "Research Station 4, Antarctica"
#: Whatever a customer, a service or an operator has said, except the order's id. No amount looks
#: like the seconds of a time, which the server writes as text.
SECRETS = (
    *("user-Kowalczyk", "item_7", "item_13", "731.95", "4012.56", "6208.41", "62.0841"),
    *("47 Wisteria Crescent", "Ulaanbaatar", NOWHERE, "Antarctica"),
    *("no carrier delivers", "internal error in the service", "4 items"),
    *("the neighbour has one", "bank transfer 4711", "ada-lovelace"),
)


def an_order(order_id: str, address: str = "47 Wisteria Crescent, Ulaanbaatar") -> Order:
    items = [
        {"id": "item_7", "quantity": 3, "price": 731.95},
        {"id": "item_13", "quantity": 1, "price": 4012.56},
    ]
    return any_order(
        order_id,
        user_id="user-Kowalczyk",
        items=items,
        total_amount=6208.41,
        shipping_address=address,
    )


def resolve(system: System, order_id: str, step: str, action: str) -> int:
    said = ("--note", "bank transfer 4711", "--operator", "ada-lovelace")
    options = ("--step", step, "--action", action)
    return system.starter("resolve", order_id, *options, *said).returncode


async def test_nothing_of_an_order_is_readable_in_the_servers_database(
    fresh_system: System,
) -> None:
    system = fresh_system
    keys = key_file(system.folder / "keys")
    system.env["ORDER_SAGA_ENCRYPTION_KEYS"] = keys
    worker = system.start_worker_with(*TROUBLE)
    assert "payloads encrypted with key" in worker.output()
    client = await open_client({"target_host": system.address}, read_keys(Path(keys)))

    async def placed(mode: Mode, order_id: str, **changes: str) -> Handle:
        order = an_order(order_id, **changes)
        return (await place(client, mode, order, system.task_queue)).run

    for mode in Mode:
        good = await placed(mode, f"good_{mode.value}")
        refused = await placed(mode, f"refused_{mode.value}", address=NOWHERE)
        await placed(mode, f"stuck_{mode.value}")
        assert isinstance(await outcome(good), SagaSucceeded)
        assert isinstance(await outcome(refused), SagaRolledBack)
    await placed(Mode.ORCHESTRATION, "halfway_1")
    natively = await placed(Mode.ORCHESTRATION, "halfway_2")
    cancelled = system.starter("cancel", "halfway_1", "--reason", "the neighbour has one")
    assert "the neighbour has one" in cancelled.stdout, cancelled.stderr
    await natively.cancel()
    assert (await outcome(natively)).status == "CANCELLED"  # as its memo tells
    assert "no carrier delivers" in system.starter("status", "refused_choreography").stdout
    waiting = system.starter("inbox").stdout
    assert all(f"stuck_{mode.value}" in waiting for mode in Mode)
    stored = database(system)  # while orders are parked
    assert resolve(system, "stuck_orchestration", "process_payment", "mark_resolved") == 0
    assert resolve(system, "stuck_choreography", "OrderCancelled/payment", "discard") == 0
    assert system.starter("reconcile").returncode == 0
    system.assert_audit_is_clean()
    stored += database(system)
    assert stored.count(b"order_saga_stuck_orchestration") > 1  # an id stays as it is
    assert [secret for secret in SECRETS if secret.encode() in stored] == []


def database(system: System) -> bytes:
    """Return all that the Temporal server has written."""
    return b"".join(file.read_bytes() for file in system.data_dir.glob("temporal*"))


def test_a_command_with_another_key_or_none_says_so_and_does_nothing(
    system_beside: System,
) -> None:
    system = system_beside
    order = seed_order_json(an_id())
    system.start_worker(encryption_keys=key_file(system.folder / "keys"))
    said = system.starter("order", "-", stdin=order)
    assert_one_line(said, 2, "encrypt with key", "this program has no key", "docs/encryption.md")
    system.env["ORDER_SAGA_ENCRYPTION_KEYS"] = key_file(system.folder / "others")
    said = system.starter("order", "-", stdin=order)
    assert_one_line(said, 2, "encrypt with key", "this program encrypts with key")
    system.env["ORDER_SAGA_ENCRYPTION_KEYS"] = str(system.folder / "keys")
    assert system.starter("order", "-", stdin=order).returncode == 0


def test_what_was_encrypted_with_a_lost_key_is_named_and_hides_nothing_else(
    system_beside: System,
) -> None:
    system = system_beside
    system.env["ORDER_SAGA_ENCRYPTION_KEYS"] = key_file(system.folder / "keys")
    worker = system.start_worker()
    assert system.order("lost").returncode == 0
    worker.stop()
    key_file(system.folder / "keys")
    system.start_worker()
    assert system.order("new").returncode == 0
    assert "encrypted with key" in system.starter("status", "lost").stdout
    system.assert_audit_is_clean()
