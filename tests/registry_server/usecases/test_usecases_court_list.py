"""Copies of the courts' list of dishonest judgment debtors: what the registry takes, for how long, and when again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from client_sdk.kernel.formats.act import RulebookBody
from client_sdk.kernel.formats.words import Kind, Standing, WithdrawalReason
from client_sdk.kernel.rules.facts import ListingFacts, ListingGround, ListingOrigin
from registry_server.usecases.housekeeping import Housekeeping
from tests.client_sdk.kernel.rules import facts_samples as samples
from tests.support.registry_world import World, accept, submit
from tests.support.reverification import reverify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from creditregistry.v1 import submission_pb2 as pb

    from client_sdk.kernel.formats.statement import RecordKey
    from registry_server.sequencing.ledger import Ledger

PERSON, CONTRACT = "somebody", "LN4711"
DAY_MS = 86_400_000
S, W = Standing, WithdrawalReason


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ledger(world: World, database_url: str) -> Iterator[Ledger]:
    with world.ledger(database_url) as opened:
        yield opened
    reverify(database_url)


def entry(**changes: Any) -> ListingFacts:
    return replace(samples.LISTING, debt=replace(samples.DEBT, contract=CONTRACT), **changes)


def listing(
    world: World, name: str = "entry", facts: ListingFacts | None = None, basis: RecordKey | None = None, **changes: Any
) -> pb.Submission:
    """The next version of a listing."""
    facts = facts or entry()
    return world.report("lender-1", name, S.OPEN, kind=Kind.LISTING, facts=facts, person=PERSON, basis=basis, **changes)


def withdrawal(world: World, removed_on: date, **changes: Any) -> pb.Submission:
    """The end of a listing that the court removed at the applicant's request."""
    day = removed_on.isoformat()
    return world.report("lender-1", "entry", S.WITHDRAWN, reason=W.REMOVED_ON_REQUEST, removed_on=day, **changes)


def rule_of(ledger: Ledger, world: World, message: pb.Submission, name: str = "entry") -> str:
    """The rule that refuses a version, which is then as if it had not been made; empty where it is taken."""
    (record,) = submit(ledger, message).results
    if record.complaint is None:
        return ""
    world.newest.pop(world.key("lender-1", name))
    return record.complaint.rule


def enforced(world: World, **changes: Any) -> list[pb.Submission]:
    """A judgment, and its enforcement."""
    judgment = world.report("lender-1", "suit", kind=Kind.JUDGMENT, person=PERSON, contract=CONTRACT)
    facts = replace(samples.ENFORCEMENT, debt=replace(samples.DEBT, contract=CONTRACT), **changes)
    basis = world.key("lender-1", "suit")
    kind = Kind.ENFORCEMENT
    return [judgment, world.report("lender-1", "enforcement", kind=kind, facts=facts, person=PERSON, basis=basis)]


def test_a_listing_ends_by_the_clock_with_the_court_s_entry(ledger: Ledger, world: World) -> None:
    accept(ledger, *enforced(world))
    accept(ledger, listing(world, basis=world.key("lender-1", "enforcement")))
    longer = entry(listed_until=date(2026, 5, 6))
    accept(ledger, listing(world, facts=longer), listing(world))
    housekeeping, key = Housekeeping(ledger), world.key("lender-1", "entry")
    for day, erased in (("2027-05-05", False), ("2027-05-06", True)):
        world.clock.now = int(datetime.fromisoformat(f"{day}T00:00:01+08:00").timestamp()) * 1000
        housekeeping.tidy()
        with ledger.view() as view:
            record = view.stored_record(key)
        assert record is not None
        assert record.chain.erased is erased


@pytest.mark.parametrize(
    ("changes", "said", "rule"),
    [
        ({}, {"retain_until": "2027-05-07"}, "G06"),
        ({}, {"retain_until": ""}, "retention.absent"),
        ({"listed_until": date(2027, 5, 7)}, {}, "J02"),
        ({"listed_until": date(2025, 10, 1)}, {}, "listing.ended"),
        ({"listed_until": None}, {"retain_until": "2027-05-06"}, "listing.term"),
        ({"listed_on": date(2025, 2, 2)}, {}, "date.order"),
        ({"case_number": ""}, {}, "case-number.form"),
        ({"case_number": samples.JUDGMENT_NUMBER}, {}, "case-number.enforcement"),
        ({"grounds": ()}, {}, "J01"),
    ],
)
def test_what_the_registry_does_not_take(
    ledger: Ledger, world: World, changes: dict[str, Any], said: dict[str, Any], rule: str
) -> None:
    assert rule_of(ledger, world, listing(world, facts=entry(**changes), **said)) == rule
    # Nothing of it is left: the entry itself is taken.
    assert rule_of(ledger, world, listing(world)) == ""


def test_a_listing_rests_on_the_enforcement_that_it_names(ledger: Ledger, world: World) -> None:
    later = date(2025, 5, 7)
    accept(ledger, *enforced(world, filed_on=later))
    basis = world.key("lender-1", "enforcement")
    assert rule_of(ledger, world, listing(world, basis=basis)) == "basis.order"
    assert rule_of(ledger, world, listing(world, facts=entry(listed_on=later), basis=basis)) == ""
    another = replace(entry(listed_on=later), debt=replace(samples.DEBT, contract="ANOTHER"))
    assert rule_of(ledger, world, listing(world, "other", another, basis), "other") == "basis.debt"


def test_a_rulebook_without_such_a_list_takes_none(ledger: Ledger, world: World) -> None:
    world.decide(ledger, RulebookBody(replace(world.rulebook, listing_years=0)))
    assert rule_of(ledger, world, listing(world)) == "listing.none"


@pytest.mark.parametrize(
    ("reason", "removed", "later", "origin", "rule"),
    [
        (W.REMOVED_ON_REQUEST, 0, 1, ListingOrigin.APPLICANT, "J06"),
        (W.REMOVED_ON_REQUEST, 0, 1, ListingOrigin.COURT, ""),
        (W.REMOVED_ON_REQUEST, 0, 182, ListingOrigin.APPLICANT, ""),
        (W.COURT_REMOVED, 0, 1, ListingOrigin.APPLICANT, ""),
        # The entry that was removed is not reported as one that stands.
        (W.COURT_REMOVED, 0, 0, ListingOrigin.COURT, "listing.removed"),
        # One that the court made between its removal and the withdrawal is another one.
        (W.COURT_REMOVED, 2, 0, ListingOrigin.COURT, ""),
        (W.REMOVED_ON_REQUEST, 2, 0, ListingOrigin.COURT, ""),
        (W.REMOVED_ON_REQUEST, 2, 0, ListingOrigin.APPLICANT, "J06"),
        (W.ERROR, None, 0, ListingOrigin.APPLICANT, ""),
    ],
)
def test_nobody_is_listed_again_within_six_months(
    ledger: Ledger,
    world: World,
    reason: WithdrawalReason,
    removed: int | None,
    later: int,
    origin: ListingOrigin,
    rule: str,
) -> None:
    """The court removed the entry so many days before its copy is withdrawn, and made another so many days after."""
    accept(ledger, listing(world))
    world.clock.now += 2 * DAY_MS
    today = samples.TODAY + timedelta(days=2)
    removed_on = "" if removed is None else (today - timedelta(days=removed)).isoformat()
    accept(ledger, world.report("lender-1", "entry", S.WITHDRAWN, reason=reason, removed_on=removed_on))
    assert rule_of(ledger, world, world.report("lender-1", "loan", person=PERSON, contract=CONTRACT), "loan") == ""
    listed_on = today + timedelta(days=later)
    world.clock.now += later * DAY_MS
    grounds = (ListingGround.CONSUMPTION,)
    until = listed_on.replace(year=listed_on.year + 2)
    facts = entry(listed_on=listed_on, as_of=listed_on, listed_until=until, origin=origin, grounds=grounds)
    assert rule_of(ledger, world, listing(world, "again", facts), "again") == rule


def test_an_entry_is_removed_between_its_copy_and_the_withdrawal(ledger: Ledger, world: World) -> None:
    """By an earlier day the same entry would be another one, and the months of the ban would be over."""
    accept(ledger, listing(world))
    world.clock.now += DAY_MS
    accept(ledger, listing(world))
    day, held = samples.TODAY, dict(world.newest)
    for wrong in (day - timedelta(days=1), date(1900, 1, 1)):
        assert rule_of(ledger, world, withdrawal(world, wrong)) == "listing.removed-before"
        world.newest.update(held)
    world.clock.now += DAY_MS
    message = withdrawal(world, day + timedelta(days=3), issued_at=world.clock.now + DAY_MS)
    assert rule_of(ledger, world, message) == "date.future"
    world.newest.update(held)
    # The day of the copy itself, also where it was read once more since.
    assert rule_of(ledger, world, withdrawal(world, day)) == ""
    assert rule_of(ledger, world, listing(world, "again"), "again") == "listing.removed"


@pytest.mark.parametrize("reason", [W.COURT_REMOVED, W.REMOVED_ON_REQUEST])
def test_only_a_listing_is_removed_by_a_court(ledger: Ledger, world: World, reason: WithdrawalReason) -> None:
    accept(ledger, world.report("lender-1", "loan", person=PERSON, contract=CONTRACT))
    today = samples.TODAY.isoformat()
    message = world.report("lender-1", "loan", S.WITHDRAWN, reason=reason, removed_on=today)
    assert rule_of(ledger, world, message, "loan") == "withdrawal.court-removed"
    accept(ledger, listing(world))
    message = world.report("lender-1", "entry", S.WITHDRAWN, reason=reason, removed_on="2190-01-01")
    assert rule_of(ledger, world, message) == "listing.removed-on"
