"""Encryption: what is sent is unreadable without the key, and a missing key is no bad message."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from messages.wire import INVALID_INPUT
from runtime.data_converter import data_converter_with
from runtime.encryption import KEY_ID, NO_KEYS, BadKeys, Keys, UnknownKey, read_keys
from runtime.exits import ExitCode
from tests.harness.builders import an_order

OLD, NEW, OTHERS = (bytes([n]) * 32 for n in range(3))
ORDER = an_order(shipping_address="47 Wisteria Crescent")


def converter(*keys: bytes) -> DataConverter:
    return data_converter_with(Keys(*keys))


async def sealed(*keys: bytes) -> Payload:
    [payload] = await converter(*keys).encode([ORDER])
    return payload


async def opened(payload: Payload, *keys: bytes) -> object:
    [value] = await converter(*keys).decode([payload], [type(ORDER)])
    return value


async def test_a_payload_is_readable_with_its_key_only() -> None:
    payload = await sealed(NEW)
    assert b"Wisteria" not in payload.SerializeToString()
    assert await opened(payload, NEW) == ORDER
    for keys in ((OTHERS,), ()):
        with pytest.raises(UnknownKey, match=payload.metadata[KEY_ID].decode()) as unknown:
            await opened(payload, *keys)
        assert unknown.value.code is ExitCode.BAD_INPUT


async def test_the_same_payload_never_looks_the_same() -> None:
    assert (await sealed(NEW)).data != (await sealed(NEW)).data


async def test_the_first_key_encrypts_and_every_key_decrypts() -> None:
    before, during, after = await sealed(OLD), await sealed(NEW, OLD), await sealed(NEW)
    assert before.metadata != during.metadata == after.metadata
    for payload in (before, during, after):
        assert await opened(payload, OLD, NEW) == ORDER
        assert await opened(payload, NEW, OLD) == ORDER


async def test_what_was_sent_before_encryption_was_on_stays_readable() -> None:
    plain = await sealed()
    assert b"Wisteria" in plain.data
    assert await opened(plain, NEW) == ORDER


@pytest.mark.parametrize(
    "change",
    [
        {"data": b"\x00" * 60},
        {"data": b"short"},
        {"data": b""},
        {"metadata": {"encoding": b"binary/encrypted"}},
        {"metadata": {"encoding": b"binary/encrypted", KEY_ID: b"\xff" * 1000}},
    ],
)
async def test_what_no_key_can_have_encrypted_is_a_bad_message(change: dict[str, object]) -> None:
    payload = await sealed(NEW)
    forged = Payload(**{"metadata": dict(payload.metadata), "data": payload.data, **change})  # type: ignore[arg-type]
    with pytest.raises(ApplicationError) as refused:
        await opened(forged, NEW)
    assert refused.value.type == INVALID_INPUT


async def sent(error: BaseException, *keys: bytes) -> Failure:
    failure = Failure()
    await converter(*keys).encode_failure(error, failure)
    return failure


def raised(error: Exception, cause: Exception) -> Exception:
    try:
        raise error from cause
    except Exception as caught:
        return caught


async def test_messages_details_and_traces_of_a_failure_and_its_causes_are_hidden() -> None:
    cause = ApplicationError("no carrier to Wisteria", {"street": "Wisteria"}, type="Unserved")
    failure = await sent(raised(RuntimeError("Wisteria"), cause), NEW)
    stored = failure.SerializeToString()
    assert b"Wisteria" not in stored
    assert b"test_encryption" not in stored  # the stack trace
    read = await converter(OLD, NEW).decode_failure(failure)
    assert isinstance(read, ApplicationError)
    assert read.message == "Wisteria"
    assert isinstance(read.__cause__, ApplicationError)
    assert read.__cause__.message == "no carrier to Wisteria"
    assert read.__cause__.details == ({"street": "Wisteria"},)
    assert read.failure is not None
    assert "test_encryption" in read.failure.stack_trace


async def test_the_trace_of_an_expected_failure_is_dropped_before_it_is_hidden() -> None:
    refusal = ApplicationError("declined", category=ApplicationErrorCategory.BENIGN)
    failure = await sent(raised(refusal, ValueError("the cause")), NEW)
    await converter(NEW).payload_codec.decode_failure(failure)  # type: ignore[union-attr]
    assert b"test_encryption" not in failure.SerializeToString()
    assert b"declined" in failure.SerializeToString()


@pytest.mark.parametrize("first", [(), (OLD,)], ids=["in plain text", "under the old key"])
async def test_a_failure_that_is_passed_on_is_hidden_with_the_new_key(
    first: tuple[bytes, ...],
) -> None:
    cause = ApplicationError("no carrier to Wisteria")
    told = await sent(raised(ApplicationError("Wisteria"), cause), *first)
    passed_on = await sent(await converter(*first).decode_failure(told), NEW)
    assert b"Wisteria" not in passed_on.SerializeToString()
    read = await converter(NEW).decode_failure(passed_on)
    assert isinstance(read.__cause__, ApplicationError)
    assert read.__cause__.message == "no carrier to Wisteria"


async def test_a_missing_key_is_told_in_plain_text() -> None:
    lacking = raised(ApplicationError("Failed decoding arguments"), UnknownKey("0123456789abcdef"))
    assert b"0123456789abcdef" in (await sent(lacking, NEW)).SerializeToString()


def key_file(folder: Path, text: str) -> Path:
    file = folder / "keys"
    file.write_text(text)
    return file


def test_a_key_file_has_one_key_per_line(tmp_path: Path) -> None:
    new, old = (b64encode(key).decode() for key in (NEW, OLD))
    file = key_file(tmp_path, f"# since November\n{new}\n\n  {old}\n")
    assert read_keys(file).ids == Keys(NEW, OLD).ids
    assert read_keys(None) is NO_KEYS


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "has no key"),
        ("# nothing but a comment", "has no key"),
        ("secret passphrase", "line 1 .* is not a key of 32 bytes"),
        (b64encode(bytes(16)).decode(), "line 1 .* is not a key of 32 bytes"),
        ("ключ", "it is not ASCII text"),
    ],
)
def test_a_key_file_without_keys_is_refused_and_not_shown(
    tmp_path: Path, text: str, problem: str
) -> None:
    with pytest.raises(BadKeys, match=problem) as bad:
        read_keys(key_file(tmp_path, text))
    assert not text or text.startswith("#") or text not in str(bad.value)


def test_a_key_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadKeys, match="No such file"):
        read_keys(tmp_path / "none")
