"""Traces of orders by OpenTelemetry, as its own environment variables say.

``OTEL_EXPORTER_OTLP_ENDPOINT`` or ``OTEL_TRACES_EXPORTER`` turns them on. Nothing of OpenTelemetry
is imported otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from temporalio.plugin import SimplePlugin

from runtime.exits import FatalError

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_EXPORTERS = ("otlp", "console", "none")


class BadTraceSettings(FatalError):
    """The ``OTEL_…`` variables ask for something that does not exist here."""


def wanted_exporters(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the exporters that the environment asks for; none if it asks for no traces.

    Raises:
        BadTraceSettings: one of them is unknown.
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ()
    named = environment.get("OTEL_TRACES_EXPORTER") or (
        "otlp" if any(environment.get(name) for name in _ENDPOINTS) else "none"
    )
    names = tuple(name.strip() for name in named.split(","))
    for name in names:
        if name not in _EXPORTERS:
            raise BadTraceSettings(
                f"OTEL_TRACES_EXPORTER has {name!r}; traces go to {', '.join(_EXPORTERS)}"
            )
    return tuple(name for name in names if name != "none")


@contextmanager
def tracing() -> Iterator[list[SimplePlugin]]:
    """Provide the plugins with which a client traces its worker's orders; flush at the end.

    Raises:
        BadTraceSettings: see :func:`wanted_exporters`.
    """
    exporters = wanted_exporters()
    if not exporters:
        yield []
        return
    from temporalio.contrib.opentelemetry import OpenTelemetryPlugin

    from runtime.spans import tracer_provider

    provider = tracer_provider(exporters)
    try:
        yield [OpenTelemetryPlugin(add_temporal_spans=True)]
    finally:
        provider.shutdown()
