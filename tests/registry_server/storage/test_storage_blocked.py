"""A victim of identity theft: what was withdrawn as that is not reported again, by nobody, until the block is over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.words import Kind, Standing, WithdrawalReason
from registry_server.storage import blocked
from registry_server.usecases.fsck.check import fsck
from registry_server.usecases.housekeeping import Housekeeping
from tests.client_sdk.kernel.rules import facts_samples as samples
from tests.support.registry_world import World, accept, submit
from tests.support.reverification import reverify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from creditregistry.v1 import submission_pb2 as pb

    from registry_server.sequencing.ledger import Ledger

DAY_MS = 86_400_000
VICTIM = "somebody"
CONTRACT = "LN4711"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ledger(world: World, database_url: str) -> Iterator[Ledger]:
    with world.ledger(database_url) as opened:
        yield opened
    reverify(database_url)


def debt(world: World, issuer: str, name: str, kind: Kind = Kind.DEFAULT, contract: str = CONTRACT) -> pb.Submission:
    """A first version of the debt."""
    return world.report(issuer, name, kind=kind, person=VICTIM, contract=contract)


def stolen(world: World, reason: WithdrawalReason = WithdrawalReason.IDENTITY_THEFT) -> list[pb.Submission]:
    """A record of the debt, and its withdrawal."""
    return [debt(world, "lender-1", "loan"), withdrawn(world, reason)]


def withdrawn(
    world: World, reason: WithdrawalReason = WithdrawalReason.IDENTITY_THEFT, name: str = "loan"
) -> pb.Submission:
    """The withdrawal of the record."""
    return world.report("lender-1", name, Standing.WITHDRAWN, reason=reason, evidence=(b"\x11" * 32,))


def reason_of(ledger: Ledger, message: pb.Submission) -> tuple[str, str]:
    (record,) = submit(ledger, message).results
    return ("", "") if record.complaint is None else (str(record.complaint.reason), record.complaint.rule)


def test_what_was_withdrawn_as_identity_theft_is_not_reported_again(ledger: Ledger, world: World) -> None:
    accept(ledger, *stolen(world))
    blocked_ = ("DEBT_BLOCKED", "debt.blocked")
    assert reason_of(ledger, debt(world, "lender-1", "once more")) == blocked_
    # Neither by who has bought it.
    assert reason_of(ledger, debt(world, "lender-2", "bought")) == blocked_
    # Another debt of the person, and the same contract of another person, are.
    assert reason_of(ledger, debt(world, "lender-1", "another", contract="LN4712")) == ("", "")
    other = world.report("lender-1", "of another", person="somebody else", contract=CONTRACT)
    assert reason_of(ledger, other) == ("", "")
    # A court may have said whose debt it is.
    assert reason_of(ledger, debt(world, "lender-1", "judged", Kind.JUDGMENT)) == ("", "")


@pytest.mark.parametrize("reason", [WithdrawalReason.ERROR, WithdrawalReason.FRAUD, WithdrawalReason.COURT_ORDER])
def test_no_other_withdrawal_blocks(ledger: Ledger, world: World, reason: WithdrawalReason) -> None:
    accept(ledger, *stolen(world, reason))
    assert reason_of(ledger, debt(world, "lender-1", "once more")) == ("", "")


def test_a_batch_does_not_get_around_it(ledger: Ledger, world: World) -> None:
    results = submit(ledger, *stolen(world), debt(world, "lender-1", "once more")).results
    assert [record.complaint and str(record.complaint.reason) for record in results] == [None, None, "DEBT_BLOCKED"]


def test_a_running_record_of_another_lender_goes_on(ledger: Ledger, world: World) -> None:
    accept(ledger, debt(world, "lender-1", "loan"))
    accept(ledger, world.report("lender-1", "loan", Standing.CURED))
    accept(ledger, debt(world, "lender-2", "running"))
    accept(ledger, withdrawn(world))
    given = replace(samples.DEFAULT, days_past_due=samples.DEFAULT.days_past_due - 1)
    facts = world.newest[world.key("lender-2", "running")].facts
    assert facts is not None
    accept(ledger, world.report("lender-2", "running", facts=replace(given, debt=facts.debt)))


def test_the_block_ends_with_an_erasure_by_order(ledger: Ledger, world: World) -> None:
    accept(ledger, *stolen(world))
    world.erase(ledger, world.key("lender-1", "loan"))
    assert reason_of(ledger, debt(world, "lender-1", "once more")) == ("", "")


def test_each_record_of_the_debt_blocks_it_by_itself(ledger: Ledger, world: World) -> None:
    accept(ledger, debt(world, "lender-1", "loan"))
    accept(ledger, world.report("lender-1", "loan", Standing.CURED))
    accept(ledger, debt(world, "lender-1", "again"))
    for name in ("loan", "again"):
        accept(ledger, withdrawn(world, name=name))
    assert fsck(ledger.database).findings == []
    for name, left in (("again", ("DEBT_BLOCKED", "debt.blocked")), ("loan", ("", ""))):
        world.erase(ledger, world.key("lender-1", name))
        assert reason_of(ledger, debt(world, "lender-1", f"after {name}")) == left
        assert fsck(ledger.database).findings == []


def test_the_block_ends_after_the_years_of_the_rulebook(ledger: Ledger, world: World) -> None:
    accept(ledger, *stolen(world))
    row = blocked.debt_hash(Kind.DEFAULT, _debt_ref(world))
    housekeeping = Housekeeping(ledger)
    for days, held in ((5 * 365, True), (5 * 366 + 1, False)):
        world.clock.now += days * DAY_MS - (0 if held else 5 * 365 * DAY_MS)
        housekeeping.tidy()
        with ledger.database.snapshot() as work:
            assert set(blocked.known(work, [row])) == ({row} if held else set())


def _debt_ref(world: World) -> bytes:
    again = debt(world, "lender-3", "never sent")
    return again.binding.debt_ref
