"""Spans and durations of the calls that a server serves, for OpenTelemetry.

A span joins the trace that its caller names (W3C Trace Context), and has what the access log has: method, institution,
reason, rule and the call's id; nothing of what was sent or answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.trace import INVALID_SPAN, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from client_sdk._version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

    from registry_server.serving.call import ServedCall

__all__ = ["CallTracing"]

_NAME = "credit-registry"
_TRACEPARENT = "traceparent"
# Of a header in the one form that there is: version, trace, parent, flags.
_TRACEPARENT_CHARACTERS = 55


class CallTracing:
    """Makes a span and takes the duration of each call.

    Args:
        traces: makes the spans.
        figures: makes the histogram ``rpc.server.call.duration``, in seconds by method and reason.
    """

    def __init__(self, traces: TracerProvider, figures: MeterProvider) -> None:
        self._tracer = traces.get_tracer(_NAME, __version__)
        self._seconds = figures.get_meter(_NAME, __version__).create_histogram(
            "rpc.server.call.duration", unit="s", description="How long calls took."
        )
        self._propagator = TraceContextTextMapPropagator()

    def begin(self, call: ServedCall, metadata: Iterable[tuple[str, str | bytes]]) -> None:
        """Begin the span of a call, and note the trace for the access log.

        Args:
            call: that begins.
            metadata: that came with it.
        """
        # Of several, none is believed; and no tracestate, which may hold anything.
        named = [value for key, value in metadata if key == _TRACEPARENT]
        known = len(named) == 1 and isinstance(named[0], str) and len(named[0]) == _TRACEPARENT_CHARACTERS
        carrier = {_TRACEPARENT: str(named[0])} if known else {}
        span = self._tracer.start_span(
            call.method.lstrip("/"),
            context=self._propagator.extract(carrier),
            kind=SpanKind.SERVER,
            attributes={**_method(call), "credit_registry.request_id": call.request_id},
        )
        call.span = span
        trace = span.get_span_context().trace_id
        if trace:
            call.noted["trace_id"] = f"{trace:032x}"

    def end(self, call: ServedCall, reason: str, rule: str, *, failed: bool) -> None:
        """End the span of a call.

        Args:
            call: that has ended.
            reason: of the catalogue, or OK.
            rule: that was broken; may be empty.
            failed: whether it was not answered as asked.
        """
        span: Span = call.span or INVALID_SPAN
        attributes = _method(call)
        if failed:
            attributes["error.type"] = reason
            span.set_attribute("error.type", reason)
            if rule:
                span.set_attribute("credit_registry.rule", rule)
            span.set_status(StatusCode.ERROR)
        if call.holder is not None:
            span.set_attribute("credit_registry.caller", call.holder.name)
        self._seconds.record(call.seconds, attributes)
        span.end()


def _method(call: ServedCall) -> dict[str, str]:
    service, _, name = call.method.lstrip("/").partition("/")
    return {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}
