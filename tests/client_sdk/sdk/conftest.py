"""A real registry with two key services, shared by the tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client_sdk.testing import TestRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def registry() -> Iterator[TestRegistry]:
    """Everybody enrolled and everything running; each test uses persons of its own."""
    with TestRegistry(lenders=("lender-1", "lender-2")) as running:
        yield running
