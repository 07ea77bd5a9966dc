"""A listing from report to removal: what lenders see of it, and what is refused before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from client_sdk import Client, Criteria
from client_sdk.errors import ConflictError, PreflightError
from client_sdk.kernel.formats.check_digits import resident_check_digit
from client_sdk.models import (
    Consent,
    ConsentForm,
    Identity,
    IdType,
    Kind,
    ListingOrigin,
    Outcome,
    Purpose,
    ReasonId,
    Verdict,
    WithdrawalReason,
)
from tests.client_sdk.sdk_samples import listing_facts, listing_report, person, suit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.models import Answer
    from client_sdk.testing import TestRegistry

CONSENT = Consent(form=ConsentForm.WRITTEN, date=datetime.now(UTC).date(), digest=b"\x33" * 32)
_BORN_2010 = "11010520100101001"


@pytest.fixture
def lender(registry: TestRegistry) -> Iterator[Client]:
    with Client(registry.config("lender-1")) as client:
        yield client


@pytest.fixture
def other(registry: TestRegistry) -> Iterator[Client]:
    with Client(registry.config("lender-2")) as client:
        yield client


def asked(other: Client, number: int) -> Answer:
    return other.check(person(number), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")


def test_a_listing_from_report_to_removal(lender: Client, other: Client) -> None:
    rows = [*suit(8320)[:4], listing_report(8320)]
    report = lender.report_many(rows)
    assert (report.accepted, report.rejected) == (len(rows), ())
    answer = asked(other, 8320)
    listed = next(record for record in answer.records if record.kind is Kind.LISTING)
    assert listed.facts is not None
    assert replace(listed.facts, debt=listing_facts(8320).debt) == listing_facts(8320)
    assert listed.retain_until == listing_facts(8320).listed_until
    assessment = answer.assess(Criteria(counted=frozenset({(Kind.LISTING, listed.standing)}), watched=frozenset()))
    assert assessment.outcome is Outcome.BLACKLISTED
    assert [reason.id for reason in assessment.reasons if reason.record == listed.ref] == [ReasonId.COUNTED]
    # It is removed at the applicant's request: gone at once, and not asked for again within the months of the rulebook.
    today = lender.listing_removal(date(2026, 3, 6)).today
    removed = partial(lender.withdraw, listed.record_id, reason=WithdrawalReason.REMOVED_ON_REQUEST)
    early = today - timedelta(days=2)
    wrong = [(None, "withdrawal.removed-on"), (today + timedelta(days=1), "listing.removed-on")]
    wrong += [(early, "listing.removed-before"), (early, "listing.removed-before")]
    for day, rule in wrong:
        with pytest.raises(PreflightError) as refused:
            removed(removed_on=day)
        assert [one.rule for one in refused.value.violations] == [rule]
        # Of a copy that was read once more, the first version counts.
        if rule == "listing.removed-before":
            lender.report(replace(listing_report(8320), facts=replace(listing_facts(8320), as_of=today)))
    receipt = removed(removed_on=today)
    assert receipt.version == 3
    (held,) = lender.records([listed.record_id])
    assert held.removed_on == today
    assert Kind.LISTING not in {record.kind for record in asked(other, 8320).records}
    until = today + timedelta(days=700)
    late = replace(listing_facts(8320), listed_on=today, as_of=today, listed_until=until, earliest_removal_on=None)
    for facts, rule in ((listing_facts(8320), "listing.removed"), (late, "listing.removed")):
        again = replace(listing_report(8320, rests=False), facts=facts, attempt=1)
        with pytest.raises(ConflictError, match=rule.replace(".", r"\.")):
            lender.report(again)


def test_by_when_a_removed_entry_is_withdrawn(lender: Client) -> None:
    # A Friday: three working days later is Wednesday.
    removal = lender.listing_removal(date(2026, 3, 6))
    assert (removal.removed_on, removal.due_on, removal.late) == (date(2026, 3, 6), date(2026, 3, 11), True)
    assert not lender.listing_removal(removal.today).late
    with pytest.raises(PreflightError):
        lender.listing_removal(datetime.now(UTC))


def test_a_listing_rests_on_its_number_alone(lender: Client, other: Client) -> None:
    lender.report(listing_report(8321, rests=False))
    answer = asked(other, 8321)
    assert (answer.verdict, [record.kind for record in answer.records]) == (Verdict.LISTED, [Kind.LISTING])


@pytest.mark.parametrize(
    ("changes", "column", "rule"),
    [
        ({"listed_until": date(2026, 1, 2)}, "listed_until", "listing.ended"),
        ({"listed_until": date(2030, 9, 16)}, "listed_until", "J02"),
        ({"listed_on": date(2025, 9, 9)}, "listed_on", "date.order"),
        ({"case_number": ""}, "case_number", "case-number.form"),
    ],
)
def test_what_is_refused_before_it_is_sent(lender: Client, changes: dict[str, object], column: str, rule: str) -> None:
    facts = replace(listing_facts(8322), origin=ListingOrigin.COURT, **changes)  # type: ignore[arg-type]  # the case names fields
    (broken, *_) = lender.preflight([replace(listing_report(8322, rests=False), facts=facts)]).violations
    assert (broken.field, broken.rule) == (column, rule)


def test_minors_are_not_listed(lender: Client) -> None:
    minor = Identity.parse(IdType.CN_RESIDENT_ID, _BORN_2010 + resident_check_digit(_BORN_2010))
    report = replace(listing_report(8323, rests=False), identity=minor)
    (broken,) = lender.preflight([report]).violations
    assert (broken.reason, broken.rule) == ("MINOR_SUBJECT", "J04")
