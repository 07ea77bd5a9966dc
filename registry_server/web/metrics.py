"""Figures of the registry for /metrics, computed at each scrape.

No label and no value tells a person, a record or an institution: methods and reasons, sizes and ages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prometheus_client import Metric

__all__ = ["Gauges", "ReadCounts"]


class Gauges(Collector):
    """Gauges whose values are read at each scrape.

    Args:
        read: returns value by name; names say the unit.
        help_texts: what each of them is.
    """

    def __init__(self, read: Callable[[], Mapping[str, float]], help_texts: Mapping[str, str]) -> None:
        self._read = read
        self._help_texts = help_texts

    def collect(self) -> Iterable[Metric]:
        """Return the values of now."""
        values = self._read()
        for name, text in self._help_texts.items():
            if name in values:
                yield GaugeMetricFamily(name, text, value=values[name])


class ReadCounts(Collector):
    """Reads that a standby may answer, by who answered them.

    Args:
        read: returns how many the standby has answered (None), and by why how many the primary has.
    """

    def __init__(self, read: Callable[[], Mapping[str | None, int]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        """Return the counts of now."""
        text = "Reads that a standby may answer, by the server that answered them, and why it was not the standby."
        counts = CounterMetricFamily("registry_reads", text, labels=("server", "reason"))
        for fault, count in self._read().items():
            counts.add_metric(("standby" if fault is None else "primary", fault or ""), count)
        yield counts
