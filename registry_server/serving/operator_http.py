"""Health and metrics over HTTP for an operator's tools: a port of its own, in clear, for the operator's network only.

| path | answer |
|---|---|
| ``/metrics`` | the metrics, for Prometheus |
| ``/healthz`` | 200 while the process runs |
| ``/readyz`` | 200 while it serves as the health service of gRPC says, else 503 |
| ``/readyz/reading`` | of a registry: 200 also while it can only be read, as from a standby |

No label and no value tells a person, a record or an institution: methods and reasons, sizes and ages.
"""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

from prometheus_client import Gauge, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from client_sdk._address import host_port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prometheus_client import CollectorRegistry

__all__ = ["OperatorServer", "measure_process"]

_TEXT = "text/plain; charset=utf-8"


class OperatorServer:
    """Serves metrics and health of one process in a thread of its own.

    Args:
        address: host:port, IPv6 addresses in brackets; port 0 takes a free one.
        metrics: what ``/metrics`` shows.
        ready: whether the process serves; asked by ``/readyz``, so it must not block.
        readable: whether it can at least be read, likewise; None where that is the same.

    Raises:
        OSError: the address is taken or is none of this machine.
    """

    def __init__(
        self,
        address: str,
        metrics: CollectorRegistry,
        ready: Callable[[], bool],
        readable: Callable[[], bool] | None = None,
    ) -> None:
        host, port = host_port(address, free=True)

        class BoundHandler(_HttpHandler):
            content = metrics
            probes: ClassVar = {"/readyz": ready, **({} if readable is None else {"/readyz/reading": readable})}

        class AnyFamilyServer(ThreadingHTTPServer):
            # Of the library's own accord it takes IPv4 alone.
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        self._server = AnyFamilyServer((host, port), BoundHandler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="operator-http", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def measure_process(program: str, metrics: CollectorRegistry, certificate_ends: Callable[[], float]) -> None:
    """Add what every server tells of its process: processor, memory, open files, and when its certificate ends.

    Args:
        program: with which the names of its metrics begin.
        metrics: of the process.
        certificate_ends: returns the end of the TLS certificate that it shows, seconds since 1970 UTC.
    """
    ProcessCollector(registry=metrics)
    Gauge(
        f"{program}_certificate_expires_timestamp_seconds",
        "When the TLS certificate that this server shows ends, seconds since 1970 UTC.",
        registry=metrics,
    ).set_function(certificate_ends)


class _HttpHandler(BaseHTTPRequestHandler):
    """Answers these paths and nothing else."""

    content: CollectorRegistry
    probes: ClassVar[Mapping[str, Callable[[], bool]]]
    server_version = "credit-registry"
    sys_version = ""
    timeout = 10

    def do_GET(self) -> None:
        """Answer."""
        match self.path:
            case "/metrics":
                self._answer(200, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(self.content))
            case "/healthz":
                self._answer(200, _TEXT, b"ok\n")
            case path if path in self.probes:
                ready = self.probes[path]()
                self._answer(200 if ready else 503, _TEXT, b"ok\n" if ready else b"not serving\n")
            case _:
                self.send_error(404)

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Write no line: who looks at metrics is not noted."""
