"""The connection is cut at any byte of a conversation, in either direction: nothing is lost, doubled or made up."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest

from client_sdk import Client
from client_sdk.models import Purpose, Verdict
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from tests.client_sdk.sdk_samples import default_report, person
from tests.faults.test_faults_rolling_restart import CONSENT
from tests.promises.test_p6_durable import versions
from tests.support.cutting import TO_CLIENT, TO_SERVER, Direction, relay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.held import Site

PLACES = 5
AT_ONCE = 3
_numbers = count(40_000)


def report(site: Site, address: str) -> int:
    """Report some records, the first of them twice, as without a fault; return the number of its person."""
    persons = [next(_numbers) for _ in range(AT_ONCE)]
    with Client(replace(site.registry.config("lender-1"), registry=address)) as lender:
        told = lender.report_many([default_report(number) for number in persons])
        assert (told.accepted + told.repeated, told.rejected) == (AT_ONCE, ())
        assert lender.report(default_report(persons[0])).version == 1
    return persons[0]


def ask(site: Site, address: str, number: int) -> None:
    """Ask about a listed person, as without a fault."""
    with Client(replace(site.registry.config("lender-2"), registry=address)) as asker:
        answer = asker.check(person(number), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
        assert answer.verdict is Verdict.LISTED


def places_in(length: int) -> Iterator[int]:
    """Yield places from the first byte on; a conversation may be somewhat shorter than the one before it."""
    yield from (1 + number * (length * 9 // 10) // (PLACES - 1) for number in range(PLACES))


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
@pytest.mark.parametrize("direction", [TO_SERVER, TO_CLIENT])
def test_a_connection_that_is_cut_at_any_byte_loses_and_doubles_nothing(site: Site, direction: Direction) -> None:
    before, real = len(versions(site)), site.registry.address
    with relay(real) as reporting, relay(real) as asking:
        ask(site, asking.address, report(site, reporting.address))
    lengths = (reporting.passed[direction], asking.passed[direction])
    for place, other in zip(*map(places_in, lengths), strict=True):
        with relay(real, (direction, place)) as reporting, relay(real, (direction, other)) as asking:
            ask(site, asking.address, report(site, reporting.address))
        assert (reporting.passed[direction], asking.passed[direction]) == (place, other)
        assert min(reporting.connections, asking.connections) > 1
    logged = versions(site)
    assert len(set(logged)) == len(logged) == before + AT_ONCE * (PLACES + 1)
    with Database(site.database_url, serving=False) as database:
        assert fsck(database).findings == []
