"""A lost registry, and an empty database for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.lost_registry import Lost, new_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import DatabaseKind


@pytest.fixture
def lost(tmp_path: Path, database_url: str) -> Lost:
    return Lost(tmp_path, database_url)


@pytest.fixture
def other_url(database_kind: DatabaseKind, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database of the same kind."""
    with new_database(database_kind, tmp_path, request) as url:
        yield url
