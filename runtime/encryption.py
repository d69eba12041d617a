"""Encryption of all payloads by AES-256-GCM, with keys that can be replaced."""

from __future__ import annotations

import os
import re
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

from runtime.exits import FatalError

#: The wire format is that of Temporal's own samples, so other SDKs can read it.
ENCODING = b"binary/encrypted"
KEY_ID = "encryption-key-id"

_KEY_BYTES = 32
_NONCE_BYTES = 12
_KEY_ID_FORM = re.compile(rb"[0-9a-f]{16}")


class BadKeys(FatalError):
    """The key file cannot be read, or a line of it is not a key."""


class UnknownKey(FatalError):
    """A payload is encrypted with a key that this program does not have.

    It is not a Temporal failure. So a workflow task that meets such a payload fails and is tried
    again until a worker has the key, and no run ends because of it.
    """

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"encrypted with key {key_id}, which is not among the keys at hand"
            " (ORDER_SAGA_ENCRYPTION_KEYS, docs/encryption.md)"
        )


class Keys:
    """Keys by id. The first one encrypts, and each of them decrypts; without any, nothing does."""

    def __init__(self, *keys: bytes) -> None:
        self._by_id = {_id_of(key): AESGCM(key) for key in keys}

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the keys, that of the encrypting one first."""
        return tuple(self._by_id)

    def encrypt(self, data: bytes) -> tuple[str, bytes]:
        """Encrypt with the first key, and return its id and the ciphertext."""
        key_id, key = next(iter(self._by_id.items()))
        nonce = os.urandom(_NONCE_BYTES)
        return key_id, nonce + key.encrypt(nonce, data, None)

    def decrypt(self, key_id: str, data: bytes) -> bytes:
        """Return what was encrypted.

        Raises:
            UnknownKey: there is no key with that id.
            InvalidTag, ValueError: the key has not encrypted this.
        """
        if key_id not in self._by_id:
            raise UnknownKey(key_id)
        return self._by_id[key_id].decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], None)


#: Keys of a system that does not encrypt.
NO_KEYS = Keys()


def read_keys(file: Path | None) -> Keys:
    """Read the keys of a file: one per line, each 32 bytes in Base64. No file means no keys.

    Raises:
        BadKeys: the file cannot be read, has no key, or has a line that is none.
    """
    if file is None:
        return NO_KEYS
    try:
        lines = file.read_text("ascii").splitlines()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not ASCII text"
        raise BadKeys(f"the key file {file} cannot be read: {reason}") from None
    numbered = [(n, text.strip()) for n, text in enumerate(lines, 1)]
    keys = [_key(file, n, text) for n, text in numbered if text and not text.startswith("#")]
    if not keys:
        raise BadKeys(f"the key file {file} has no key; make one: openssl rand -base64 32")
    return Keys(*keys)


class EncryptionCodec(PayloadCodec):
    """Codec that encrypts with the first key, and reads encrypted and plain payloads.

    It is also in use without keys: a worker that was not given them must not take an encrypted
    order for one that nobody can read, and end its run.
    """

    def __init__(self, keys: Keys) -> None:
        self.keys = keys

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt each payload, with its metadata."""
        return [self._encrypted(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt each payload; one that was never encrypted stays as it is.

        The same holds for one that no key can have made, because a later attempt would not be
        able to read it either. The payload converter refuses it.

        Raises:
            UnknownKey: a key is missing.
        """
        return [self._decrypted(payload) for payload in payloads]

    def _encrypted(self, payload: Payload) -> Payload:
        if not self.keys.ids:
            return payload
        key_id, data = self.keys.encrypt(payload.SerializeToString())
        return Payload(metadata={"encoding": ENCODING, KEY_ID: key_id.encode()}, data=data)

    def _decrypted(self, payload: Payload) -> Payload:
        key_id = payload.metadata.get(KEY_ID, b"")
        if payload.metadata.get("encoding") != ENCODING or not _KEY_ID_FORM.fullmatch(key_id):
            return payload
        try:
            return Payload.FromString(self.keys.decrypt(key_id.decode(), payload.data))
        except (InvalidTag, ValueError, DecodeError):
            return payload


def _id_of(key: bytes) -> str:
    """Return the id that follows from the key, so two keys never have the same one."""
    return sha256(b"order-saga key id" + key).hexdigest()[:16]


def _key(file: Path, line: int, text: str) -> bytes:
    try:
        key = b64decode(text, validate=True)
    except NoBase64:
        key = b""
    if len(key) != _KEY_BYTES:
        # The line may be a key with a typing error, so the message does not repeat it.
        raise BadKeys(
            f"line {line} of the key file {file} is not a key of {_KEY_BYTES} bytes in Base64;"
            " make one: openssl rand -base64 32"
        )
    return key
