"""Streamed reports on SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import streamed

if TYPE_CHECKING:
    from benchmarks.table import Row


def measure() -> Row:
    """Return the ratio."""
    return streamed.measure("streamed-sqlite", 0.6)
