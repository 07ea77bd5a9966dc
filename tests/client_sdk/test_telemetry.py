"""Traces and durations of calls: one trace through client, registry and key services, and nothing in it but methods."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from creditregistry.v1.transparency_pb2 import GetCheckpointRequest
from creditregistry.v1.transparency_service_pb2_grpc import TransparencyServiceStub
from opentelemetry import baggage
from opentelemetry.context import attach, detach
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from client_sdk.errors import ConfigError, PreflightError, RefusedError
from client_sdk.models import Purpose, Verdict, written_consent
from client_sdk.telemetry import export_to, observe_calls
from client_sdk.testing import TestRegistry
from tests.support.collector import Collector, attributes, collecting
from tests.support.marked_reports import REFERENCE, fact_markers, marked_person, marked_reports
from tests.support.needles import Needles, number_digests
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan

WAIT_SECONDS = 60.0
SERVER, KEY_SERVICE = "credit-registry-server", "credit-registry-key-service"
CONSENT = written_consent(document=b"I agree.", given_on=date(2025, 1, 1), purposes=[Purpose.LOAN_APPROVAL])


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture(scope="module")
def registry(collector: Collector) -> Iterator[TestRegistry]:
    """A registry and key services that send to the collector."""
    with TestRegistry(environment={"REGISTRY_TELEMETRY_ENDPOINT": collector.url}) as running:
        for name in ("key-service-a", "key-service-b"):
            running.stop(name)
            settings = running.folder / name / "service.toml"
            settings.write_text(f'telemetry_endpoint = "{collector.url}"\n' + settings.read_text())
            running.start_key_service(name)
        yield running


@pytest.fixture
def traced() -> Iterator[InMemorySpanExporter]:
    """Spans of this process's clients."""
    kept = InMemorySpanExporter()
    traces = TracerProvider()
    traces.add_span_processor(SimpleSpanProcessor(kept))
    reader = InMemoryMetricReader()
    stop = observe_calls(traces, MeterProvider((reader,)))
    yield kept
    stop()


def calls(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    """Return the calls in the trace of the one span of a method of a client."""
    (whole,) = (span for span in spans.get_finished_spans() if span.name == f"credit-registry {name}")
    made = [span for span in spans.get_finished_spans() if span.kind is SpanKind.CLIENT]
    return [span for span in made if trace_of(span) == trace_of(whole)]


def trace_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.trace_id)


def methods(spans: list[ReadableSpan]) -> set[str]:
    return {span.name.rpartition(".")[2] for span in spans}


ASKED = {"SubjectKeyService/Evaluate", "InquiryService/Check"}


def test_the_calls_of_one_check_are_one_trace(registry: TestRegistry, traced: InMemorySpanExporter) -> None:
    with registry.client("lender-1") as client:
        client.check(marked_person(), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
    assert methods(calls(traced, "check")) >= ASKED


def test_the_calls_of_a_client_for_asyncio_are_one_trace_too(
    registry: TestRegistry, traced: InMemorySpanExporter
) -> None:
    async def ask() -> None:
        async with registry.async_client("lender-1") as client:
            await client.check(marked_person(), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
            # A stream, read to its end.
            assert [item async for item in client.records()] == []

    asyncio.run(ask())
    assert methods(calls(traced, "check")) >= ASKED
    assert methods(calls(traced, "records")) == {"RecordService/ListRecords"}


def test_a_refused_call_has_its_reason_and_the_id_that_the_server_logs(
    registry: TestRegistry, traced: InMemorySpanExporter
) -> None:
    with registry.client("lender-1") as client, pytest.raises(RefusedError) as refused:
        client.receipt(bytes(16), 1)
    assert refused.value.request_id
    (span,) = (span for span in traced.get_finished_spans() if span.name.endswith("RecordService/GetReceipt"))
    assert span.attributes is not None
    assert span.attributes["error.type"] == refused.value.reason
    assert span.attributes["credit_registry.request_id"] == refused.value.request_id
    assert not span.status.is_ok
    assert (span.status.description, list(span.events)) == (None, [])
    # Its lines are written some at a time.
    wait_until(lambda: f'"request_id": "{refused.value.request_id}"' in (registry.folder / "registry.log").read_text())


def test_servers_join_the_trace_and_say_nothing_of_what_was_sent(
    registry: TestRegistry, collector: Collector, traced: InMemorySpanExporter
) -> None:
    # What an application keeps in a context stays with it.
    token = attach(baggage.set_baggage("customer", marked_person().number))
    try:
        with registry.client("lender-1") as client:
            for report in marked_reports():
                client.report(report)
            with pytest.raises(PreflightError):
                client.report(replace(marked_reports()[0], reference=""))
            answer = client.check(marked_person(), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
    finally:
        detach(token)
    assert answer.verdict is Verdict.LISTED
    for name in ("key-service-a", "key-service-b", "registry"):
        registry.stop(name)
    registry.start_registry()
    for name in ("key-service-a", "key-service-b"):
        registry.start_key_service(name)
    mine = {trace_of(span).to_bytes(16) for span in traced.get_finished_spans()}
    served = {service: collector.spans(service) for service in (SERVER, KEY_SERVICE)}
    assert {"creditregistry.v1.InquiryService/Check", "creditregistry.v1.RecordService/Submit"} <= {
        span.name for span in served[SERVER] if span.trace_id in mine
    }
    assert "creditregistry.v1.SubjectKeyService/Evaluate" in {
        span.name for span in served[KEY_SERVICE] if span.trace_id in mine
    }
    trace = next(span.trace_id.hex() for span in served[SERVER] if span.trace_id in mine)
    assert f'"trace_id": "{trace}"' in (registry.folder / "registry.log").read_text()
    for service in served:
        assert [metric.name for metric in collector.metrics(service)] != []
        assert {metric.name for metric in collector.metrics(service)} == {"rpc.server.call.duration"}
    needles = Needles()
    needles.add("number", marked_person().number)
    for function, digest in number_digests(marked_person()):
        needles.add(f"{function} of the number", digest)
    needles.add("reference", REFERENCE)
    for report in marked_reports():
        if report.facts is not None:
            for name, marker in fact_markers(report.facts):
                needles.add(name, marker)
    for listed in answer.records:
        needles.add("record", listed.record_id)
    sent = b"\n".join(body for _, body in collector.received)
    for span in traced.get_finished_spans():
        sent += span.to_json().encode()
    assert needles.found(sent) == set()
    allowed = {"rpc.system", "rpc.service", "rpc.method", "error.type"}
    own = {"credit_registry.request_id", "credit_registry.rule", "credit_registry.caller"}
    assert {key for spans in served.values() for span in spans for key in attributes(span)} <= allowed | own


@pytest.mark.parametrize(
    "given",
    [
        (),
        ("",),
        ("x" * 55,),
        ("00-" + "0" * 32 + "-" + "0" * 16 + "-01",),
        ("00-" + "F" * 32 + "-" + "1" * 16 + "-01",),
        ("00-" + "f" * 32 + "-" + "1" * 16 + "-01",) * 2,
        ("00-" + "f" * 32 + "-" + "1" * 16 + "-01" + "-" * 4_000,),
    ],
)
def test_a_call_with_a_forged_trace_is_served(registry: TestRegistry, given: tuple[str, ...]) -> None:
    tls = registry.home("lender-1") / "tls"
    credentials = grpc.ssl_channel_credentials(
        *((tls / name).read_bytes() for name in ("ca.pem", "key.pem", "certificate.pem"))
    )
    with grpc.secure_channel(registry.address, credentials) as raw:
        stub = TransparencyServiceStub(raw)
        metadata = tuple(("traceparent", value) for value in given)
        assert stub.GetCheckpoint(GetCheckpointRequest(), metadata=metadata, timeout=WAIT_SECONDS).checkpoint


def test_a_collector_that_is_away_holds_nobody_up(registry: TestRegistry) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        home = registry.home("lender-2")
        config = home / "config.toml"
        text = config.read_text()
        config.write_text(f'telemetry_endpoint = "{url}"\n{text}')
        try:
            done = command("--home", str(home), "--json", "status")
        finally:
            config.write_text(text)
    assert done.returncode == 0, done.stderr


def command(*words: str) -> subprocess.CompletedProcess[str]:
    program = [str(Path(sys.executable).with_name("credit-registry")), *words]
    return subprocess.run(program, capture_output=True, text=True, timeout=WAIT_SECONDS, check=False)


@pytest.mark.parametrize(
    "endpoint",
    ["collector:4318", "ftp://collector", "https://", "https://user@collector", "https://c:1?x", "http://[::1"],
)
def test_what_is_no_address_of_a_collector_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigError, match="telemetry_endpoint: want https"):
        export_to(endpoint, "test")


def test_debug_logging_names_methods_alone(registry: TestRegistry, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "client_sdk"), registry.client("lender-1") as client:
        client.check(marked_person(), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
    lines = [record.getMessage() for record in caplog.records if record.name == "client_sdk.calls"]
    assert any(line.startswith("/creditregistry.v1.InquiryService/Check OK ") for line in lines)
    assert marked_person().number not in "\n".join(lines)
