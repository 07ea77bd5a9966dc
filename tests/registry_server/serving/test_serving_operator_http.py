"""What an operator's tools ask over HTTP: metrics, health and readiness; and the warning about a certificate's end."""

from __future__ import annotations

import http.client
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry
from pydantic import TypeAdapter

from registry_server.serving.given_settings import Address
from registry_server.serving.operator_http import OperatorServer, measure_process

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = 86_400
ADVICE = "make another"


class Served:
    """A server whose readiness a test sets."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.ready = self.readable = False
        self.host = host
        metrics = CollectorRegistry()
        measure_process("example", metrics, lambda: 1_800_000_000.0)
        self.server = OperatorServer(f"{host}:0", metrics, lambda: self.ready, lambda: self.readable)

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.host.strip("[]"), self.server.port, timeout=60)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body


@contextmanager
def serving(host: str = "127.0.0.1") -> Iterator[Served]:
    made = Served(host)
    made.server.start()
    yield made
    made.server.stop()


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as made:
        yield made


def test_a_process_is_ready_while_it_serves_and_healthy_while_it_runs(served: Served) -> None:
    assert served.get("/healthz") == (200, "ok\n")
    assert served.get("/readyz") == (503, "not serving\n")
    served.ready = True
    assert served.get("/readyz") == (200, "ok\n")
    assert served.get("/healthz") == (200, "ok\n")


def test_a_process_that_is_only_read_says_so_at_a_path_of_its_own(served: Served) -> None:
    served.readable = True
    assert served.get("/readyz/reading") == (200, "ok\n")
    assert served.get("/readyz")[0] == 503


def test_metrics_tell_of_the_process_and_its_certificate(served: Served) -> None:
    status, text = served.get("/metrics")
    assert status == 200
    assert "example_certificate_expires_timestamp_seconds 1.8e+09" in text
    assert "process_resident_memory_bytes" in text


def test_nothing_else_is_served(served: Served) -> None:
    assert served.get("/")[0] == 404
    assert served.get("/metrics/")[0] == 404


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_every_form_of_address_that_the_settings_take_is_served(host: str) -> None:
    assert TypeAdapter(Address).validate_python(f"{host}:9464") == f"{host}:9464"
    with serving(host) as served:
        assert served.get("/healthz") == (200, "ok\n")
