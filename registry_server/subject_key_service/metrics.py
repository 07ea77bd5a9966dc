"""Metrics of a key service other than those of calls, which the guard counts.

No label names an institution, and none could name a person.
"""

from __future__ import annotations

from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Metrics"]

_SECONDS = (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Counters of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._elements = Counter(
            "key_service_elements_total", "Blinded elements evaluated, by use.", ("use",), registry=self.registry
        )
        self._evaluation = Histogram(
            "key_service_evaluation_seconds", "Time of one evaluation.", buckets=_SECONDS, registry=self.registry
        )
        self._directory = Gauge(
            "key_service_directory_as_of_seconds",
            "When the HEAD of the followed directory was logged, seconds since 1970 UTC.",
            registry=self.registry,
        )
        self._rounds = Counter(
            "key_service_directory_rounds_total",
            "Reads of the directory by result.",
            ("result",),
            registry=self.registry,
        )

    def count_evaluated(self, use: str, elements: int) -> None:
        """Count the elements of a call that was answered."""
        self._elements.labels(use).inc(elements)

    def count_round(self, problem: str, as_of_ms: int) -> None:
        """Count a read of the directory; the problem is empty where it went well."""
        self._rounds.labels(problem or "OK").inc()
        self._directory.set(as_of_ms / 1000)

    @contextmanager
    def timed_evaluation(self) -> Iterator[None]:
        """Measure what is done in the block."""
        start = perf_counter()
        try:
            yield
        finally:
            self._evaluation.observe(perf_counter() - start)
