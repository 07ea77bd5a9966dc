"""A running registry for each test, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.registry import RunningRegistry, running_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def registry(tmp_path: Path, database_url: str) -> Iterator[RunningRegistry]:
    """A registry with three lenders and an auditor."""
    with running_registry(tmp_path, database_url) as running:
        yield running
        running.verify_log()
