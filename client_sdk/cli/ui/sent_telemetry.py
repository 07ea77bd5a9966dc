"""Traces and durations of the calls of one command, for the collector that the settings name."""

from __future__ import annotations

import atexit
from functools import cache

__all__ = ["send_telemetry"]

_SERVICE = "credit-registry"


@cache
def send_telemetry(endpoint: str) -> None:
    """Send what this process's calls were and how long they took, once it ends; called again, it does nothing.

    Args:
        endpoint: of the collector.

    Raises:
        ConfigError: OpenTelemetry is not installed, or the endpoint is no address of a collector.
    """
    from client_sdk.telemetry import export_to, observe_calls  # noqa: PLC0415 - loads gRPC and OpenTelemetry

    exporter = export_to(endpoint, _SERVICE)
    observe_calls(exporter.traces, exporter.figures)
    atexit.register(exporter.close)
