"""Traces and durations of calls, for the OpenTelemetry collector that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.telemetry import export_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from registry_server.serving.tracing import CallTracing

__all__ = ["Telemetry", "open_telemetry"]


class Telemetry(NamedTuple):
    """What is kept of calls for a collector.

    Attributes:
        calls: makes a span and takes the duration of each.
        close: sends what waits, within seconds, and ends.
    """

    calls: CallTracing
    close: Callable[[], None]


def open_telemetry(endpoint: str, service: str) -> Telemetry | None:
    """Begin to send to a collector; None where none is named.

    Args:
        endpoint: of the collector; may be empty.
        service: name of this program in traces.

    Raises:
        ConfigError: OpenTelemetry is not installed, or the endpoint is no address of a collector.
    """
    if not endpoint:
        return None
    exporter = export_to(endpoint, service)

    from registry_server.serving.tracing import CallTracing  # noqa: PLC0415 - loads what only the extra brings

    return Telemetry(CallTracing(exporter.traces, exporter.figures), exporter.close)
