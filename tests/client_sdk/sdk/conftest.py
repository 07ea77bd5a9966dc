"""A real registry with two key services, shared by the tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client_sdk.testing import TestRegistry
from client_sdk.testing.ports import free_address

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def files_address() -> str:
    """Where the registry serves its log as files, host:port."""
    return free_address()


@pytest.fixture(scope="session")
def registry(files_address: str) -> Iterator[TestRegistry]:
    """Everybody enrolled and everything running; each test uses persons of its own."""
    environment = {"REGISTRY_TILES_LISTEN": files_address}
    with TestRegistry(lenders=("lender-1", "lender-2"), environment=environment) as running:
        yield running
