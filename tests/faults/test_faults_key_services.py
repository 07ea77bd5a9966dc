"""A key service that is down, slow, or answers with another key: the member is told which, and nothing is lost."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk import Client, Verdict
from client_sdk.errors import CreditRegistryError, KeyServiceError, TransportError, VerificationError
from client_sdk.models import Purpose, written_consent
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck import fsck
from tests.client_sdk.sdk_samples import default_report, history, person
from tests.support.held import log_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.held import Site

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))
SICK = "key-service-b"


@contextmanager
def down(site: Site) -> Iterator[None]:
    """The service is not running."""
    site.registry.stop(SICK)
    yield
    site.registry.start_key_service(SICK)


@contextmanager
def slow(site: Site) -> Iterator[None]:
    """The service takes connections and answers nothing: its process stands still."""
    process = site.registry._running[SICK]
    os.killpg(process.pid, signal.SIGSTOP)
    yield
    os.killpg(process.pid, signal.SIGCONT)


@contextmanager
def with_another_key(site: Site) -> Iterator[None]:
    """The service has lost its key, and was given a new one that no act names."""
    path = site.registry.folder / SICK / "keys" / "1.key"
    own = path.read_bytes()
    site.registry.stop(SICK)
    path.write_bytes(bytes(range(32)))
    site.registry.start_key_service(SICK)
    yield
    site.registry.stop(SICK)
    path.write_bytes(own)
    site.registry.start_key_service(SICK)


@pytest.mark.parametrize(
    ("sickness", "number", "errors"),
    [
        (down, 70_001, (TransportError, KeyServiceError)),
        (slow, 70_101, (TransportError, KeyServiceError)),
        (with_another_key, 70_201, (KeyServiceError, VerificationError)),
    ],
    ids=["down", "slow", "another key"],
)
def test_a_sick_key_service_is_named_and_nothing_is_lost(
    site: Site, sickness: object, number: int, errors: tuple[type[CreditRegistryError], ...]
) -> None:
    known, rows = default_report(number), history(number + 1)
    with Client(replace(site.registry.config("lender-1"), deadline=2.0)) as lender:
        lender.report(known)
        size = len(log_of(site.database_url))
        with sickness(site):  # type: ignore[operator]  # one of the three above
            for call in (
                lambda: lender.report_many(rows),
                lambda: lender.report(rows[0]),
                lambda: lender.check(
                    person(number + 2), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7"
                ),
            ):
                with pytest.raises(errors) as caught:
                    call()
                assert SICK in str(caught.value) or site.registry._url(SICK) in str(caught.value)
        statements = len(log_of(site.database_url)) - size
        # Heartbeats may have been logged meanwhile.
        assert statements <= 2
    with Client(site.registry.config("lender-1")) as again:
        assert again.report_many([known, *rows]).accepted == len(rows)
        asked = again.check(person(number), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
        assert asked.verdict is Verdict.LISTED
    with Database(site.database_url, serving=False) as database:
        assert fsck(database).findings == []
