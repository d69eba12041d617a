"""Check that a client and the workers that it needs can read each other."""

from __future__ import annotations

import os
import re
import secrets
import socket

from temporalio.client import Client

from runtime.encryption import NO_KEYS, EncryptionCodec
from runtime.exits import FatalError
from runtime.pollers import WORKFLOW_TASKS, pollers

#: Differs each time that this program starts.
_START = secrets.token_hex(4)
_IDENTITY = re.compile(r" keys=([0-9a-f,]+)")


class OtherKeys(FatalError):
    """No worker on the task queue has the key of this program."""


def key_ids(client: Client) -> tuple[str, ...]:
    """Return the ids of the client's keys, that of the encrypting one first."""
    codec = client.data_converter.payload_codec
    return (codec.keys if isinstance(codec, EncryptionCodec) else NO_KEYS).ids


def worker_identity(client: Client) -> str:
    """Return an identity of this process alone, which also tells which keys a worker has.

    Process id and host do not suffice: in a container that is started again, both are the same. A
    key's id tells nothing about the key.
    """
    ids = ",".join(key_ids(client))
    return f"{os.getpid()}@{socket.gethostname()} {_START}" + (f" keys={ids}" if ids else "")


async def ensure_shared_key(client: Client, task_queue: str) -> None:
    """Make sure that a worker on the task queue and this client can read each other.

    Otherwise an order would wait for a key, or a client without one would send it in plain text.
    Without any worker on the queue in the last minutes, nothing can be checked.

    Raises:
        OtherKeys: they cannot.
    """
    ours = key_ids(client)
    theirs = set(map(_ids_in, await pollers(client, task_queue, WORKFLOW_TASKS)))
    # A worker that was stopped is listed for some minutes more, perhaps with a key of the past.
    if not theirs or any(_read_each_other(ours, ids) for ids in theirs):
        return
    there = ", ".join(sorted({ids[0] for ids in theirs if ids}))
    raise OtherKeys(
        f"the workers on task queue {task_queue!r}"
        f" {f'encrypt with key {there}' if there else 'have no encryption key'}, and this program"
        f" {f'encrypts with key {ours[0]}' if ours else 'has no key'}; ORDER_SAGA_ENCRYPTION_KEYS"
        " has to name the same key file for both (docs/encryption.md)"
    )


def _ids_in(identity: str) -> tuple[str, ...]:
    found = _IDENTITY.search(identity)
    return tuple(found[1].split(",")) if found else ()


def _read_each_other(ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    return ours == theirs or (
        bool(ours) and bool(theirs) and ours[0] in theirs and theirs[0] in ours
    )
