"""The connection is cut in and after each TLS record of a conversation: nothing is lost, doubled or made up."""

from __future__ import annotations

from dataclasses import replace
from itertools import count, cycle, islice, pairwise
from typing import TYPE_CHECKING

import pytest

from client_sdk import Client
from client_sdk.models import Purpose, Verdict
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from tests.client_sdk.sdk_samples import default_report, person
from tests.faults.test_faults_rolling_restart import CONSENT
from tests.promises.test_p6_durable import versions
from tests.support.cutting import TO_CLIENT, TO_SERVER, Direction, Relay, relay

if TYPE_CHECKING:
    from tests.support.held import Site

# Nine records are the least that either side of a conversation sends, six of them of its handshake.
FEWEST_PLACES = 8
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


def places_in(relayed: Relay, direction: Direction) -> list[int]:
    """Return places to cut at: after the first byte, and in the middle of one TLS record and at the end of the next."""
    ends = [*relayed.records[direction][1:], relayed.passed[direction]]
    middles = [(begins + end) // 2 for begins, end in pairwise([0, *ends])]
    return [1, *(place for pair in zip(middles[::2], ends[1::2], strict=False) for place in pair)]


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
@pytest.mark.parametrize("direction", [TO_SERVER, TO_CLIENT])
def test_a_connection_that_is_cut_in_or_after_any_tls_record_loses_and_doubles_nothing(
    site: Site, direction: Direction
) -> None:
    before, real = len(versions(site)), site.registry.address
    with relay(real) as reporting, relay(real) as asking:
        ask(site, asking.address, report(site, reporting.address))
    both = (reporting, asking)
    # The last records end it, when all was answered; and a conversation may be shorter than the one before.
    sure = [relayed.passed[direction] * 9 // 10 for relayed in both]
    places = [places_in(relayed, direction) for relayed in both]
    assert min(map(len, places)) > FEWEST_PLACES
    # One has more records than the other: both are cut at all of their own.
    rounds = max(map(len, places))
    for pair in islice(zip(*map(cycle, places), strict=True), rounds):
        with relay(real, (direction, pair[0])) as reporting, relay(real, (direction, pair[1])) as asking:
            ask(site, asking.address, report(site, reporting.address))
        for relayed, place, limit in zip((reporting, asking), pair, sure, strict=True):
            assert relayed.passed[direction] == place or place > limit
            assert relayed.connections > 1 or place > limit
    logged = versions(site)
    assert len(set(logged)) == len(logged) == before + AT_ONCE * (rounds + 1)
    with Database(site.database_url, serving=False) as database:
        assert fsck(database).findings == []
