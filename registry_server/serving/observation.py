"""Access log and metrics of calls: method, institution, reason, duration; never content."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from registry_server.serving.call import ServedCall
    from registry_server.serving.tracing import CallTracing

__all__ = ["OK", "Observer"]

# What stands in the place of a reason where a call succeeded.
OK = "OK"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Observer:
    """Counts calls and writes the access log.

    Args:
        server: registry or key_service; what the names of the metrics begin with.
        metrics: where the counters are registered.
        tracing: makes spans of calls; None where no collector is named.
    """

    def __init__(self, server: str, metrics: CollectorRegistry, tracing: CallTracing | None = None) -> None:
        self._tracing = tracing
        self._ended = Counter(f"{server}_calls", "Calls that ended, by reason.", ("method", "reason"), registry=metrics)
        self._seconds = Histogram(
            f"{server}_call_seconds", "How long calls took.", ("method",), buckets=_BUCKETS, registry=metrics
        )
        self._running = Gauge(f"{server}_calls_running", "Calls that are being served.", registry=metrics)
        self._log = structlog.get_logger(f"{server}.calls")
        # Which of the counters is meant is looked up once, not in each call.
        self._ended_by = cache(self._ended.labels)
        self._seconds_of = cache(self._seconds.labels)

    def begin(self, call: ServedCall, metadata: Callable[[], Iterable[tuple[str, str | bytes]] | None]) -> None:
        """Note that a call has begun.

        Args:
            call: the call.
            metadata: returns what came with it; asked for only where a trace is kept.
        """
        self._running.inc()
        if self._tracing is not None:
            self._tracing.begin(call, metadata() or ())

    def pass_over(self, call: ServedCall) -> None:
        """End a call without counting, logging or tracing its outcome."""
        self._running.dec()
        call.span = None

    def end(self, call: ServedCall, reason: str, rule: str = "") -> None:
        """Note how a call ended.

        Args:
            call: the call.
            reason: of the catalogue, OK, or CANCELLED where its client went away.
            rule: id of the rule that was broken, where there is one.
        """
        seconds = call.seconds
        if self._tracing is not None:
            self._tracing.end(call, reason, rule, failed=reason != OK)
        self._running.dec()
        self._ended_by(call.method, reason).inc()
        self._seconds_of(call.method).observe(seconds)
        self._log.info(
            "call",
            method=call.method,
            institution="" if call.holder is None else call.holder.name,
            reason=reason,
            **({"rule": rule} if rule else {}),
            **call.noted,
            milliseconds=round(seconds * 1000, 3),
            request_id=call.request_id,
        )

    def failed(self, call: ServedCall, error: BaseException) -> None:
        """Log an unexpected error: where it was raised, never its text, which may quote the request."""
        self._log.error("internal error", method=call.method, request_id=call.request_id, error=_places(error))


def _places(error: BaseException) -> list[str]:
    """Return the kinds of an error and its causes with the lines that they came from."""
    places = [type(error).__qualname__]
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    cause = error.__cause__ or error.__context__
    return places + (_places(cause) if cause is not None else [])
