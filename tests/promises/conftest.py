"""What the tests of the promises share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.registry import RunningRegistry, running_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def running(tmp_path: Path, database_url: str) -> Iterator[RunningRegistry]:
    """A registry in this process on each kind of database; its whole log is recomputed at the end."""
    with running_registry(tmp_path, database_url) as registry:
        yield registry
        registry.verify_log()
