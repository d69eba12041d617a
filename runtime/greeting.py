"""First lines of a worker that has started, for whoever looks at its log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from temporalio.client import Client
from temporalio.worker import WorkerDeploymentConfig

from runtime.shared_keys import key_ids
from runtime.slots import Slots


def greeting(
    client: Client,
    hosts: Sequence[str],
    version: WorkerDeploymentConfig | None,
    slots: Slots,
    task_queues: Mapping[str, float | None],
    addresses: Mapping[str, str | None],
) -> Iterator[str]:
    """Yield the lines; the last one says that the worker polls.

    Args:
        hosts: the parts that it hosts.
        version: its version, if it has one.
        slots: how many tasks it runs at the same time.
        task_queues: the activities that each of its task queues gives out in a second, if limited.
        addresses: URL of each thing that it answers over HTTP, if it does.
    """
    yield f"hosting {', '.join(hosts)}; {_version(version)}; {_encryption(client)}"
    yield str(slots)
    limits = [
        f"{rate:g} activities a second from {queue!r}"
        for queue, rate in task_queues.items()
        if rate
    ]
    if limits:
        yield f"up to {', '.join(limits)}"
    shown = [f"{what} at {url}" for what, url in addresses.items() if url]
    if shown:
        yield ", ".join(shown)
    yield (
        f"polling task queue{'s' if len(task_queues) > 1 else ''}"
        f" {', '.join(map(repr, task_queues))} on {client.service_client.config.target_host},"
        f" namespace {client.namespace}; Ctrl-C stops it"
    )


def _version(config: WorkerDeploymentConfig | None) -> str:
    if config is None:
        return "no version"
    version = config.version
    if config.use_worker_versioning:
        return f"version {version.build_id} of deployment {version.deployment_name}"
    # Temporal does not choose the worker by it; it says which path the worker takes.
    return f"no version, {version.build_id.lstrip('+')}"


def _encryption(client: Client) -> str:
    ids = key_ids(client)
    return f"payloads encrypted with key {ids[0]}" if ids else "payloads not encrypted"
