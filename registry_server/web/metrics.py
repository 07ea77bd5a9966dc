"""/metrics on a port of its own, for Prometheus: in clear, and for the operator's network only.

No label and no value tells a person, a record or an institution: methods and reasons, sizes and ages.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prometheus_client import CollectorRegistry, Metric

__all__ = ["Gauges", "MetricsServer"]

_PATH = "/metrics"


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


class MetricsServer:
    """Serves the metrics of one process in a thread of its own.

    Args:
        address: host:port; port 0 takes a free one.
        metrics: what is served.

    Raises:
        OSError: the address is taken or is none of this machine.
    """

    def __init__(self, address: str, metrics: CollectorRegistry) -> None:
        host, _, port = address.rpartition(":")

        class Handler(_Handler):
            content = metrics

        self._server = ThreadingHTTPServer((host.strip("[]"), int(port)), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)

    @property
    def port(self) -> int:
        """Address of the metrics server."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Answers one path and nothing else."""

    content: CollectorRegistry
    server_version = "registry-server"
    sys_version = ""
    timeout = 10

    def do_GET(self) -> None:
        """Answer."""
        if self.path != _PATH:
            self.send_error(404)
            return
        body = generate_latest(self.content)
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Write no line: who looks at metrics is not noted."""
