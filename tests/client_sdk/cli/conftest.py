"""One real registry for all tests of the command that need one; each test has persons and debts of its own."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from client_sdk.testing import TestRegistry
from tests.support.command import Command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def registry() -> Iterator[TestRegistry]:
    """Three administrators, two lenders, an auditor, two key services; child processes."""
    with TestRegistry() as running:
        yield running


@pytest.fixture(scope="session")
def member(registry: TestRegistry) -> Callable[[str], Command]:
    """The command in the home of a member."""
    return lambda institution: Command(registry.home(institution))


@pytest.fixture
def lender(member: Callable[[str], Command]) -> Command:
    return member("lender-1")


@pytest.fixture
def asker(member: Callable[[str], Command]) -> Command:
    return member("lender-2")


@pytest.fixture
def number() -> int:
    """A number of a person that no other test uses."""
    return next(_NUMBERS)
