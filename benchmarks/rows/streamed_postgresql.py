"""Streamed reports on PostgreSQL with durable commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import streamed
from tests.postgres_server import postgres_server

if TYPE_CHECKING:
    from benchmarks.table import Row


def measure() -> Row:
    """Return the ratio."""
    with postgres_server(durable=True) as url:
        return streamed.measure("streamed-postgresql", 0.5, url)
