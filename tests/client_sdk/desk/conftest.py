"""One real registry for all tests of the desk: lender-1 has reported a whole chain, lender-2 asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client_sdk.testing import TestRegistry
from tests.client_sdk.sdk_samples import suit
from tests.support.desk import RunningDesk

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def registry() -> Iterator[TestRegistry]:
    """With the suit of person 1, from the first missed payment until all was paid, and two lenders."""
    with TestRegistry() as running:
        with running.client("lender-1") as client:
            for report in suit(1)[:5]:
                client.report(report)
        yield running


@pytest.fixture(scope="module")
def desk(registry: TestRegistry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    """A desk of lender-2, where nobody has a name."""
    with RunningDesk(registry.home("lender-2"), tmp_path_factory.mktemp("desk")) as running:
        yield running
