"""Traces go where the standard variables say, without the texts of errors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from runtime.spans import Discreet
from runtime.tracing import BadTraceSettings, wanted_exporters
from tests.harness.children import ROOT

COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}


@pytest.mark.parametrize(
    ("environment", "exporters"),
    [
        ({}, ()),
        (COLLECTOR, ("otlp",)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost:4318/v1/traces"}, ("otlp",)),
        ({**COLLECTOR, "OTEL_TRACES_EXPORTER": "none"}, ()),
        ({**COLLECTOR, "OTEL_SDK_DISABLED": "true"}, ()),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, ("console", "otlp")),
    ],
)
def test_the_variables_choose(environment: Mapping[str, str], exporters: tuple[str, ...]) -> None:
    assert wanted_exporters(environment) == exporters


def test_an_unknown_exporter_is_named() -> None:
    with pytest.raises(BadTraceSettings, match="zipkin"):
        wanted_exporters({"OTEL_TRACES_EXPORTER": "zipkin"})


def test_what_is_exported_has_types_of_errors_but_no_texts() -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(Discreet(kept)))
    tracer = provider.get_tracer(__name__)
    with pytest.raises(ValueError, match="Main St"), tracer.start_as_current_span("step"):
        raise ValueError("123 Main St")
    with tracer.start_as_current_span("HandleQuery:status"):
        pass

    [span] = kept.get_finished_spans()

    assert "Main St" not in span.to_json()
    assert span.status.status_code is StatusCode.ERROR
    assert [event.attributes and event.attributes["exception.type"] for event in span.events] == [
        "ValueError"
    ]


def test_a_worker_without_telemetry_imports_nothing_for_it() -> None:
    code = "import sys, worker; print([m for m in sys.modules if 'opentelemetry' in m])"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"
