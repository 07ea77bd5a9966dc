"""A key service that is down, slow, or answers with another key: the member is told which, and nothing is lost."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import pytest

from client_sdk import AsyncClient, Client, Verdict
from client_sdk.errors import KeyServiceError
from client_sdk.kernel.formats.leaf import HeadLeaf, parse_leaf
from client_sdk.models import Purpose, written_consent
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from tests.client_sdk.sdk_samples import default_report, history, person
from tests.support.held import log_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from contextlib import AbstractContextManager

    from client_sdk.config import ClientConfig
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
    group = site.registry.process_id(SICK)
    os.killpg(group, signal.SIGSTOP)
    yield
    os.killpg(group, signal.SIGCONT)


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


class Told(NamedTuple):
    """What the SDK promises to raise of a sick key service.

    Attributes:
        reason: stable word.
        words: what the message says beside it.
    """

    reason: str
    words: tuple[str, ...] = ()


async def asking(config: ClientConfig, call: Callable[[AsyncClient], Awaitable[object]]) -> None:
    async with AsyncClient(config) as lender:
        await call(lender)


# What is refused is refused before anything reaches the registry, whose database makes no difference.
@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("sickness", "number", "told"),
    [
        (down, 70_001, Told("UNAVAILABLE")),
        (slow, 70_101, Told("DEADLINE_EXCEEDED")),
        # Refused before anything is evaluated: the request names the key of the act.
        (
            with_another_key,
            70_201,
            Told("SERVICE_OTHER", ("service: key-request.service", "want a key of this service")),
        ),
    ],
    ids=["down", "slow", "another key"],
)
def test_a_sick_key_service_is_named_and_nothing_is_lost(
    site: Site, sickness: Callable[[Site], AbstractContextManager[None]], number: int, told: Told
) -> None:
    known, rows = default_report(number), history(number + 1)
    hasty = replace(site.registry.config("lender-1"), deadline=2.0)
    asked_about = person(number + 2)
    with Client(hasty) as lender:
        lender.report(known)
        size = len(log_of(site.database_url))
        with sickness(site):
            calls: list[Callable[[], object]] = [
                lambda: lender.report_many(rows),
                lambda: lender.report(rows[0]),
                lambda: lender.check(asked_about, purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7"),
                lambda: asyncio.run(asking(hasty, lambda client: client.report_many(rows))),
                lambda: asyncio.run(asking(hasty, lambda client: client.report(rows[0]))),
                lambda: asyncio.run(
                    asking(
                        hasty,
                        lambda client: client.check(
                            asked_about, purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7"
                        ),
                    )
                ),
            ]
            for call in calls:
                with pytest.raises(KeyServiceError) as caught:
                    call()
                assert type(caught.value) is KeyServiceError
                assert (caught.value.service, caught.value.reason) == (site.registry.address_of(SICK), told.reason)
                for word in told.words:
                    assert word in caught.value.message
        # Heartbeats may have been logged meanwhile, statements not.
        assert all(isinstance(parse_leaf(leaf), HeadLeaf) for leaf in log_of(site.database_url)[size:])
    with Client(site.registry.config("lender-1")) as again:
        assert again.report_many([known, *rows]).accepted == len(rows)
        asked = again.check(person(number), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
        assert asked.verdict is Verdict.LISTED
    with Database(site.database_url, serving=False) as database:
        assert fsck(database).findings == []
