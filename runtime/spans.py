"""Spans of traces and their export. Importing this module imports OpenTelemetry."""

from __future__ import annotations

import os
from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.trace import Status
from temporalio.contrib.opentelemetry import ReplaySafeTracerProvider, create_tracer_provider

_EXPORTER_OF = {"otlp": OTLPSpanExporter, "console": ConsoleSpanExporter}

#: Spans of messages. If the sender has no trace, they would each begin a trace of their own.
_OF_MESSAGES = ("HandleSignal:", "HandleQuery:", "HandleUpdate:", "ValidateUpdate:")
_KEPT_OF_EXCEPTIONS = ("exception.type", "exception.escaped")


def tracer_provider(exporters: Sequence[str]) -> ReplaySafeTracerProvider:
    """Set up the global tracer provider with these exporters, and return it."""
    provider = create_tracer_provider(
        resource=Resource.create({} if _is_named() else {SERVICE_NAME: "order-saga"}),
        # The worker leaves by os._exit, which runs no exit handlers.
        shutdown_on_exit=False,
    )
    for name in exporters:
        provider.add_span_processor(BatchSpanProcessor(Discreet(_EXPORTER_OF[name]())))
    trace.set_tracer_provider(provider)
    return provider


def _is_named() -> bool:
    attributes = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return bool(os.environ.get("OTEL_SERVICE_NAME")) or SERVICE_NAME in attributes


class Discreet(SpanExporter):
    """Exporter that passes spans on without the texts of errors, which may repeat a payload."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export the spans, except those that would begin a trace for a single message."""
        return self._exporter.export(
            [
                _without_texts(span)
                for span in spans
                if span.parent or not span.name.startswith(_OF_MESSAGES)
            ]
        )

    def shutdown(self) -> None:
        """See base class."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """See base class."""
        return self._exporter.force_flush(timeout_millis)


def _without_texts(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=[
            Event(
                event.name,
                {k: v for k, v in (event.attributes or {}).items() if k in _KEPT_OF_EXCEPTIONS},
                event.timestamp,
            )
            for event in span.events
        ],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
