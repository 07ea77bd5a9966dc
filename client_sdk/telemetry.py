"""Traces and durations of this process's calls for OpenTelemetry (extra ``[otel]``).

An application that has providers of its own hands them to `observe_calls`; the command-line programs send what they
have by OTLP to the collector that their settings name (`export_to`).

Nothing of what is sent or answered is in a span or a figure: the method, how the call ended and how long it took. With
each call goes its ``traceparent`` (W3C Trace Context), so that the servers' spans join the trace; a baggage or
tracestate, in which an application may hold anything, does not leave this machine.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import grpc

from client_sdk._transport.channels import error_of_call
from client_sdk._transport.observing import observe, stop_observing
from client_sdk._version import __version__
from client_sdk.errors import ConfigError, CreditRegistryError, RefusedError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.metrics import Histogram, MeterProvider
    from opentelemetry.trace import Span, Tracer, TracerProvider

    from client_sdk._transport.observing import Metadata

__all__ = ["Exporter", "export_to", "observe_calls"]

_NAME = "credit-registry"
# How long the end of a program waits for a collector that is away.
_SEND_SECONDS = 5
_FIGURES_MS = 60_000
_TRACEPARENT = "traceparent"


class Exporter(NamedTuple):
    """Providers whose spans and figures go to a collector.

    Attributes:
        traces: makes spans.
        figures: makes histograms.
        close: sends what waits, within seconds, and ends.
    """

    traces: TracerProvider
    figures: MeterProvider
    close: Callable[[], None]


def export_to(endpoint: str, service: str) -> Exporter:
    """Return providers that send to a collector by OTLP over HTTP; what it does not take is dropped.

    Everything else is read by OpenTelemetry itself from its own variables, such as ``OTEL_EXPORTER_OTLP_HEADERS``,
    ``OTEL_EXPORTER_OTLP_CERTIFICATE`` and ``OTEL_TRACES_SAMPLER``.

    Args:
        endpoint: ``https://HOST:PORT`` of the collector, or ``http://`` in a network that nobody else reads.
        service: name of this program in traces (``service.name``).

    Raises:
        ConfigError: OpenTelemetry is not installed, or the endpoint is no such address.
    """
    if not _is_collector(endpoint):
        raise ConfigError("telemetry_endpoint: want https://HOST:PORT of an OTLP collector, without user, query or #")
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415 - extra
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - extra
        from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - extra
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415 - extra
        from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource  # noqa: PLC0415 - extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - extra
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - extra
    except ModuleNotFoundError as error:
        raise ConfigError(
            "telemetry_endpoint: OpenTelemetry is missing: pip install 'credit-registry[otel]'"
        ) from error
    base = endpoint.rstrip("/")
    resource = Resource.create({SERVICE_NAME: service, SERVICE_VERSION: __version__})
    spans = BatchSpanProcessor(OTLPSpanExporter(f"{base}/v1/traces", timeout=_SEND_SECONDS))
    traces = TracerProvider(resource=resource, shutdown_on_exit=False)
    traces.add_span_processor(spans)
    sender = OTLPMetricExporter(f"{base}/v1/metrics", timeout=_SEND_SECONDS)
    reader = PeriodicExportingMetricReader(sender, export_interval_millis=_FIGURES_MS)
    figures = MeterProvider((reader,), resource=resource, shutdown_on_exit=False)

    def close() -> None:
        # Both at once: a collector that is away is waited for once.
        sending = threading.Thread(target=traces.shutdown, name="telemetry-spans", daemon=True)
        sending.start()
        figures.shutdown(_SEND_SECONDS * 1_000)
        sending.join(2 * _SEND_SECONDS)

    return Exporter(traces, figures, close)


def observe_calls(traces: TracerProvider, figures: MeterProvider) -> Callable[[], None]:
    """Make a span and take the duration of each call that clients of this process begin from now on.

    Args:
        traces: makes the spans; each is a child of the span that is current where the client is called.
        figures: makes the histogram ``rpc.client.call.duration``, in seconds by method and outcome.

    Returns:
        What ends it.
    """
    observer = _CallTracer(traces, figures)
    observe(observer)
    return lambda: stop_observing(observer)


def _is_collector(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        return False
    more = parts.query or parts.fragment or parts.username or parts.password
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and port != 0 and not more


class _CallTracer:
    def __init__(self, traces: TracerProvider, figures: MeterProvider) -> None:
        self._tracer: Tracer = traces.get_tracer(_NAME, __version__)
        self._seconds = figures.get_meter(_NAME, __version__).create_histogram(
            "rpc.client.call.duration", unit="s", description="How long calls took, over all attempts."
        )

    def begin(self, method: str) -> _TracedCall:
        return _TracedCall(self._tracer, self._seconds, method)

    @contextmanager
    def operating(self, name: str) -> Iterator[None]:
        """Make the calls of one method of a client children of one span."""
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - extra

        # The library's own record of an exception holds its text.
        with self._tracer.start_as_current_span(
            f"{_NAME} {name}", record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except Exception as error:
                span.set_attribute("error.type", _outcome(error)[0])
                span.set_status(StatusCode.ERROR)
                raise


class _TracedCall:
    def __init__(self, tracer: Tracer, seconds: Histogram, method: str) -> None:
        from opentelemetry.trace import SpanKind  # noqa: PLC0415 - extra

        service, _, name = method.lstrip("/").partition("/")
        self._attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}
        self._seconds = seconds
        self._began = time.perf_counter()
        self._span = tracer.start_span(f"{service}/{name}", kind=SpanKind.CLIENT, attributes=self._attributes)
        self.metadata = _traceparent(self._span)

    def ended(self, error: BaseException | None) -> None:
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - extra

        attributes = dict(self._attributes)
        if error is not None:
            attributes["error.type"], request_id = _outcome(error)
            self._span.set_attribute("error.type", attributes["error.type"])
            if request_id:
                self._span.set_attribute("credit_registry.request_id", request_id)
            # Without a description: an error's text is for the one who called.
            self._span.set_status(StatusCode.ERROR)
        self._seconds.record(time.perf_counter() - self._began, attributes)
        self._span.end()


def _traceparent(span: Span) -> Metadata:
    """Return the context of a span as it goes with a call; nothing else that an application keeps in a context."""
    from opentelemetry.trace import set_span_in_context  # noqa: PLC0415 - extra
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415 - extra

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier, set_span_in_context(span))
    return ((_TRACEPARENT, carrier[_TRACEPARENT]),) if _TRACEPARENT in carrier else ()


def _outcome(error: BaseException) -> tuple[str, str]:
    """Return the reason of a failed call, and its id in the server's log."""
    meant = error_of_call(error) if isinstance(error, grpc.RpcError) else error
    match meant:
        case TransportError():
            return meant.reason or meant.status, meant.request_id
        case RefusedError():
            return meant.reason, meant.request_id
        case CreditRegistryError():
            return type(meant).__name__, ""
        case _:
            return type(meant).__qualname__, ""
