"""Stale records in figures: how many of its own a lender has left alone, by the newest HEAD, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.words import Standing
from registry_server.usecases.inbox import Inbox
from tests.support.handmade_log import DAY_MS
from tests.support.registry_world import World, accept

if TYPE_CHECKING:
    from collections.abc import Iterator

    from registry_server.sequencing.ledger import Ledger


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ledger(world: World, database_url: str) -> Iterator[Ledger]:
    with world.ledger(database_url) as opened:
        yield opened


def test_running_records_that_were_left_alone_are_counted_for_their_lender(ledger: Ledger, world: World) -> None:
    def stale(member: str = "lender-1") -> int:
        return Inbox(ledger).notices(member, 0, waiting=True, stale=True).stale

    accept(ledger, *(world.report("lender-1", name) for name in ("left", "ended", "updated")))
    accept(ledger, world.report("lender-1", "ended", Standing.WITHDRAWN))
    accept(ledger, world.report("lender-2", "other"))
    world.clock.now += (world.rulebook.stale_days - 1) * DAY_MS
    accept(ledger, world.report("lender-1", "updated"))
    assert stale() == 0
    world.clock.now += 2 * DAY_MS
    accept(ledger, world.report("lender-1", "new"))
    assert (stale(), stale("lender-2"), stale("lender-3")) == (1, 1, 0)
    assert Inbox(ledger).notices("lender-1", 0, waiting=True).stale == 0
