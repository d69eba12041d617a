"""Settings from outside: ``ORDER_SAGA_…`` environment variables or ``.env``.

Only the entry points read them. The connection to Temporal is not set here, but by the SDK's
own environment configuration (``TEMPORAL_ADDRESS`` and the other ``TEMPORAL_…`` variables).
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

from pydantic import Field, ValidationError, create_model, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    SettingsConfigDict,
)
from typing_extensions import Self

from messages.base import one_of
from messages.participants import SERVICES
from messages.validation import explain
from runtime.encryption import Keys, read_keys
from runtime.exits import FatalError
from runtime.slots import Slots

#: Parts that a worker may host.
PARTS = ("workflows", *SERVICES)

_PREFIX = "ORDER_SAGA_"

_Part = Annotated[str, one_of(PARTS)]
# A server with a SQL database lists no runs of a task queue whose name has one of these.
_TaskQueue = Annotated[str, Field(min_length=1, pattern=r"^[^\"'\\\x00-\x1f]+$")]
_Rate = Annotated[float, Field(gt=0, le=100_000)]
# Of memory or of CPUs.
_Share = Annotated[float, Field(gt=0, le=1)]

_ADDRESS = r"^([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$"
# An IP address, since the SDK resolves no names here, and a port.
_METRICS_ADDRESS = r"^([0-9.]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$"

if TYPE_CHECKING:
    _OfServices = BaseSettings
else:
    #: Settings of each service. ``<service>_task_queue`` is its own task queue, by default
    #: ``task_queue``; all workers need the same value. ``<service>_url`` is the SQLAlchemy URL
    #: of its own database, by default a SQLite file in ``data_dir``. ``<service>_rate_limit`` is
    #: the most activities that its own task queue gives out in a second, by default without
    #: limit; all workers of the service need the same value.
    _OfServices = create_model(
        "_OfServices",
        __base__=BaseSettings,
        **{f"{service}_task_queue": (_TaskQueue | None, None) for service in SERVICES},
        **{f"{service}_url": (str | None, None) for service in SERVICES},
        **{f"{service}_rate_limit": (_Rate | None, None) for service in SERVICES},
    )


class Settings(_OfServices):
    """Settings of worker, starter and demo."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_file=".env", extra="ignore", frozen=True
    )

    #: Directory of the ledgers and of the embedded server's database.
    data_dir: Path = Path(".data")
    #: Temporal task queue that the worker polls and the starter uses.
    task_queue: _TaskQueue = "order-saga"
    #: Parts that the worker hosts: the workflows, and services with their ledgers; all parts by
    #: default. With several workers, each part must be hosted by one of them.
    hosts: Annotated[tuple[_Part, ...], NoDecode, Field(min_length=1)] = PARTS
    #: Fault plan (TOML) that the mock services follow; none by default.
    faults: Path | None = None
    #: Key file. Its first key encrypts what Temporal stores, and all its keys decrypt; nothing is
    #: encrypted by default (docs/encryption.md).
    encryption_keys: Path | None = None
    #: Token that the codec server asks for, fit for a URL; by default a new one at each start.
    codec_token: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.~-]{16,}$")] | None = None
    #: Address of Temporal's Web UI, for links. By default it is derived from the server's address,
    #: if the server is on this machine or is Temporal Cloud's.
    web_ui: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] | None = None
    #: Version of this worker's code, and the deployment that it belongs to. With a version,
    #: orders stay on the version that they began on (docs/changing-workflows.md).
    build_id: Annotated[str, Field(min_length=1)] | None = None
    deployment: Annotated[str, Field(min_length=1)] = "order-saga"
    #: Whether workflows run in the SDK's sandbox, which imports them again for each run.
    sandbox: bool = False
    #: Whether the first attempt of a step runs inside the workflow task. An order takes less time
    #: then, and the services know no rate limit and no task queue of their own (docs/fast-path.md).
    fast_path: bool = False
    #: ``host:port`` of the worker's health over HTTP (docs/deploying.md); none by default.
    health_address: Annotated[str, Field(pattern=_ADDRESS)] | None = None
    #: Seconds that running activities have to finish when the worker is stopped.
    graceful_shutdown_seconds: Annotated[float, Field(ge=0)] = 30.0
    #: Number of activities that one worker runs at the same time, each in a thread of its own.
    max_concurrent_activities: Annotated[int, Field(ge=1, le=1000)] = 50
    #: Number of workflow tasks that one worker runs at the same time.
    max_concurrent_workflow_tasks: Annotated[int, Field(ge=2, le=1000)] = 100
    #: Shares of the machine's memory and CPUs up to which a worker takes more tasks, within the
    #: two limits above; by default it looks at neither. The SDK advises 0.8 for memory at most.
    target_memory_usage: _Share | None = None
    target_cpu_usage: _Share | None = None
    #: Number of runs kept in memory between their workflow tasks; others are replayed for each.
    max_cached_workflows: Annotated[int, Field(ge=1)] = 1000
    #: Seconds between two reconciliations. With 0, the worker leaves their schedule as it is.
    reconcile_every_seconds: Annotated[int, Field(ge=0, le=24 * 3600)] = 300
    #: ``address:port`` of the worker's metrics for Prometheus (docs/telemetry.md); none by default.
    metrics_address: Annotated[str, Field(pattern=_METRICS_ADDRESS)] | None = None
    #: Form of a worker's log: lines for a person, or JSON for machines.
    log_format: Literal["text", "json"] = "text"

    @field_validator("hosts", mode="before")
    @classmethod
    def _separated_by_commas(cls, hosts: object) -> object:
        return [h.strip() for h in hosts.split(",")] if isinstance(hosts, str) else hosts

    @model_validator(mode="after")
    def _hosts_all_services_of_a_queue(self) -> Self:
        # A worker receives all tasks of its queue, also those that it does not host.
        for service, queue in self.task_queues().items():
            sharing = [s for s, q in self.task_queues().items() if q == queue]
            if service in self.hosts and not set(sharing).issubset(self.hosts):
                raise ValueError(
                    f"hosts {service} but not all services that share its task queue {queue!r}"
                    f" ({', '.join(sharing)}); host them all, or give {service} a queue of its"
                    f" own: ORDER_SAGA_{service.upper()}_TASK_QUEUE"
                )
        return self

    @model_validator(mode="after")
    def _hosts_what_the_fast_path_calls(self) -> Self:
        # A local activity runs in the process of the workflow.
        if self.fast_path and (
            set(self.hosts) != set(PARTS) or set(self.task_queues().values()) != {self.task_queue}
        ):
            raise ValueError(
                "the fast path needs a worker that hosts all parts, with one task queue for all"
                " of them; unset ORDER_SAGA_HOSTS and the services' task queues, or the fast path"
            )
        return self

    @model_validator(mode="after")
    def _limits_the_rate_of_a_queue_of_its_own(self) -> Self:
        # Temporal limits a task queue, and what runs inside a workflow task is on none.
        queues = [self.task_queue, *self.task_queues().values()]
        for service in SERVICES:
            name = f"ORDER_SAGA_{service.upper()}"
            limited = getattr(self, f"{service}_rate_limit") is not None
            if limited and self.fast_path:
                raise ValueError(
                    f"the fast path knows no rate limit; unset {name}_RATE_LIMIT, or the fast path"
                )
            if limited and queues.count(self.task_queues()[service]) > 1:
                raise ValueError(
                    f"a rate limit needs a task queue of {service}'s own: set {name}_TASK_QUEUE, or"
                    f" unset {name}_RATE_LIMIT"
                )
        return self

    @model_validator(mode="after")
    def _has_both_targets_or_none(self) -> Self:
        if (self.target_memory_usage is None) != (self.target_cpu_usage is None):
            raise ValueError(
                "a tuner needs both targets; set ORDER_SAGA_TARGET_MEMORY_USAGE and"
                " ORDER_SAGA_TARGET_CPU_USAGE, or neither"
            )
        return self

    @property
    def threads(self) -> int:
        """Number of threads of a task queue's worker: regular and local activities share them."""
        return 2 * self.max_concurrent_activities

    @property
    def tells_ends(self) -> bool:
        """Tell whether a worker counts or logs how runs end."""
        return self.metrics_address is not None or self.log_format == "json"

    def keys(self) -> Keys:
        """Read the key file.

        Raises:
            BadKeys: it cannot be read, or a line of it is not a key.
        """
        return read_keys(self.encryption_keys)

    def task_queues(self) -> dict[str, str]:
        """Return the task queue of each service."""
        return {s: getattr(self, f"{s}_task_queue") or self.task_queue for s in SERVICES}

    def rate_limit_of(self, task_queue: str) -> float | None:
        """Return how many activities the task queue gives out in a second; None: without limit."""
        # With a limit, the queue is that of one service alone.
        limits = {self.task_queues()[s]: getattr(self, f"{s}_rate_limit") for s in SERVICES}
        return cast("float | None", limits.get(task_queue))

    def slots(self) -> Slots:
        """Return how many tasks a worker runs at the same time."""
        return Slots(
            self.max_concurrent_activities,
            self.max_concurrent_workflow_tasks,
            self.target_memory_usage,
            self.target_cpu_usage,
        )

    def ledger_urls(self) -> dict[str, str]:
        """Return the SQLAlchemy URL of each service's ledger."""
        return {
            service: getattr(self, f"{service}_url")
            or f"sqlite:///{(self.data_dir / f'{service}.db').resolve()}"
            for service in SERVICES
        }


class BadSettings(FatalError):
    """A setting is wrong or unknown."""


def read_settings() -> Settings:
    """Read the settings of this process.

    Raises:
        BadSettings: a setting is wrong or unknown; the message names it.
    """
    _refuse_unknown_names()
    try:
        return Settings()
    except ValidationError as error:
        raise BadSettings(f"in ORDER_SAGA_… or .env: {explain(error)}") from None


def _refuse_unknown_names() -> None:
    # If a name is mistyped, the setting would silently keep its default, such as another ledger.
    known = {f"{_PREFIX}{field}".upper() for field in Settings.model_fields}
    for where, source in (
        ("the environment", EnvSettingsSource(Settings)),
        (".env", DotEnvSettingsSource(Settings)),
    ):
        given = {name.upper() for name in source.env_vars if name.upper().startswith(_PREFIX)}
        for name in sorted(given - known):
            [nearest] = get_close_matches(name, known, n=1, cutoff=0)
            raise BadSettings(
                f"in {where}: there is no setting {name}; the nearest is {nearest}"
                " (.env.example lists all)"
            )
