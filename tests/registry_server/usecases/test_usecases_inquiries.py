"""A member's own inquiries page by page, the newest first, and nobody else's, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.ledger.inquiry import InquiryOpening
from registry_server.usecases.inquiries import Inquiries
from tests.support.registry_world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from registry_server.sequencing.ledger import Ledger

OPENING = InquiryOpening((), bytes(32), b"", bytes(32), "clerk-7").message().SerializeToString()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ledger(world: World, database_url: str) -> Iterator[Ledger]:
    with world.ledger(database_url) as opened:
        yield opened


def test_each_own_inquiry_comes_once_the_newest_first(ledger: Ledger, world: World) -> None:
    for name in ("one", "two", "three"):
        # Two of one moment are told apart by their ids.
        world.clock.now += name != "two"
        ledger.record_inquiries([world.inquiry("lender-2", name, opening=OPENING)]).result()
    ledger.record_inquiries([world.inquiry("lender-1", "other", opening=OPENING)]).result()
    use = Inquiries(ledger, page=1)
    page = use.own("lender-2", 0, b"")
    found = list(page.inquiries)
    while page.more:
        last = page.inquiries[-1].stored
        page = use.own("lender-2", last.received_at, last.inquiry_id)
        found += page.inquiries
    places = [(one.stored.received_at, one.stored.inquiry_id) for one in found]
    assert places == sorted(places, reverse=True)
    assert found[0].stored.payload == b"inquiry three"
    assert len(set(places)) == 3
    assert {one.officer for one in found} == {"clerk-7"}
    assert use.own("lender-3", 0, b"") == ((), False)
    for before, before_id in ((0, bytes(16)), (1, b"short")):
        with pytest.raises(FormatError):
            use.own("lender-2", before, before_id)
