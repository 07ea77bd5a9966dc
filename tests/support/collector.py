"""An OpenTelemetry collector: takes OTLP over HTTP, and keeps what it was sent."""

from __future__ import annotations

import gzip
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

__all__ = ["Collector", "attributes", "collecting"]


class Collector:
    """What was sent.

    Attributes:
        url: where it is sent to.
        received: every request's body, and its headers, in order.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[tuple[str, bytes]] = []

    def spans(self, service: str) -> list[Span]:
        """Return the spans of a program."""
        requests = [ExportTraceServiceRequest.FromString(body) for path, body in self.received if path == "/v1/traces"]
        return [
            span
            for request in requests
            for resource in request.resource_spans
            if attributes(resource.resource)["service.name"] == service
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def metrics(self, service: str) -> list[Metric]:
        """Return the figures of a program."""
        requests = [
            ExportMetricsServiceRequest.FromString(body) for path, body in self.received if path == "/v1/metrics"
        ]
        return [
            metric
            for request in requests
            for resource in request.resource_metrics
            if attributes(resource.resource)["service.name"] == service
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]


def attributes(of: object) -> dict[str, str]:
    """Return the attributes of a span, a resource or a data point that are texts."""
    return {pair.key: pair.value.string_value for pair in of.attributes}  # type: ignore[attr-defined]  # of each message


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            collector.received.append((self.path, body))
            collector.received.append(("headers", str(self.headers).encode()))
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
