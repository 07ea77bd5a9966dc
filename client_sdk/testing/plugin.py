"""Fixtures of pytest, found by its entry point: a registry for the whole run, and clients of its members.

    def test_a_good_borrower_is_accepted(credit_registry_lender):
        answer = credit_registry_lender.check(applicant, purpose=..., consent=..., officer="clerk-7")

| fixture | is | lasts |
|---|---|---|
| ``credit_registry`` | a running ``TestRegistry`` | the run |
| ``credit_registry_lender`` | a ``Client`` of ``lender-1`` | a test |
| ``credit_registry_asker`` | a ``Client`` of ``lender-2`` | a test |
| ``credit_registry_options`` | arguments of that ``TestRegistry``; override it for others | the run |

Nothing is loaded, and no program started, before a test asks for one of them. The registry remembers what earlier tests
reported and asked: each test takes persons of its own (``invented_person``). Under pytest-xdist each worker has a
registry of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from client_sdk.client import Client
    from client_sdk.testing.registry import TestRegistry

__all__ = ["Options", "credit_registry", "credit_registry_asker", "credit_registry_lender", "credit_registry_options"]


class Options(TypedDict, total=False):
    """Arguments of ``TestRegistry``; the fixtures for clients want ``lender-1`` and ``lender-2`` among the lenders."""

    lenders: Sequence[str]
    auditors: Sequence[str]
    representatives: Sequence[str]
    folder: str | Path | None
    name: str
    key_services: Sequence[str]
    environment: Mapping[str, str] | None
    display_names: Mapping[str, str] | None


@pytest.fixture(scope="session")
def credit_registry_options() -> Options:
    """Return the arguments of the registry: none, unless a project overrides this fixture."""
    return {}


@pytest.fixture(scope="session")
def credit_registry(credit_registry_options: Options) -> Iterator[TestRegistry]:
    """Yield a running registry, the same for all tests; it is stopped after the last."""
    from client_sdk.testing.registry import TestRegistry  # noqa: PLC0415 - loads the SDK

    with TestRegistry(**credit_registry_options) as registry:
        yield registry


@pytest.fixture
def credit_registry_lender(credit_registry: TestRegistry) -> Iterator[Client]:
    """Yield a client of ``lender-1``, closed after the test."""
    with credit_registry.client("lender-1") as client:
        yield client


@pytest.fixture
def credit_registry_asker(credit_registry: TestRegistry) -> Iterator[Client]:
    """Yield a client of ``lender-2``, closed after the test."""
    with credit_registry.client("lender-2") as client:
        yield client
