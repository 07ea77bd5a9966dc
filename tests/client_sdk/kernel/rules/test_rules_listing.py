"""Listings: what a copy of the courts' list says, how long it is kept, and when a person may be listed again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.rules.basis import check_basis
from client_sdk.kernel.rules.check import check_facts
from client_sdk.kernel.rules.correction import corrects
from client_sdk.kernel.rules.facts import ListingFacts, ListingGround, ListingOrigin, parse_facts
from client_sdk.kernel.rules.listing import check_kept, check_not_banned, check_term, kept_until, removal_due_on
from client_sdk.kernel.rules.minors import check_age, listed_on
from client_sdk.kernel.rules.progress import check_progress
from tests.client_sdk.kernel.rules.facts_samples import (
    DEFAULT,
    ENFORCEMENT,
    JUDGMENT,
    LISTING,
    TODAY,
    rule_broken_by,
)

if TYPE_CHECKING:
    from client_sdk.kernel.rules.facts import Facts

S, G = Standing, ListingGround
RULES = Rulebook()
ENDLESS = replace(LISTING, grounds=(G.REFUSES,), listed_until=None)


def broken(facts: ListingFacts) -> tuple[str, str, str] | None:
    error = rule_broken_by(partial(check_facts, Kind.LISTING, S.OPEN, facts))
    return None if error is None else (str(error.reason), error.complaint.field, error.rule)


@pytest.mark.parametrize("facts", [LISTING, ENDLESS, replace(LISTING, earliest_removal_on=date(2026, 5, 6))])
def test_an_entry_passes_and_reads_as_written(facts: ListingFacts) -> None:
    assert broken(facts) is None
    assert rule_broken_by(partial(check_term, facts, RULES, TODAY)) is None
    assert parse_facts(Kind.LISTING, facts.encode()) == facts


@pytest.mark.parametrize(
    ("facts", "refused"),
    [
        (replace(LISTING, grounds=()), ("FACTS_INVALID", "facts.grounds", "J01")),
        (replace(LISTING, grounds=(G.EVADES, G.OBSTRUCTS)), ("FACTS_INVALID", "facts.grounds", "J01")),
        (replace(LISTING, grounds=(G.EVADES, G.EVADES)), ("FACTS_INVALID", "facts.grounds", "J01")),
        (replace(LISTING, listed_until=None), ("DATE_INVALID", "facts.listed_until", "listing.term")),
        (replace(LISTING, listed_on=date(2025, 2, 2)), ("DATE_INVALID", "facts.listed_on", "date.order")),
        (replace(LISTING, as_of=date(2025, 5, 5)), ("DATE_INVALID", "facts.as_of", "date.order")),
        (replace(LISTING, listed_until=date(2025, 5, 5)), ("DATE_INVALID", "facts.listed_until", "date.order")),
        (
            replace(LISTING, earliest_removal_on=date(2025, 5, 5)),
            ("DATE_INVALID", "facts.earliest_removal_on", "date.order"),
        ),
        (
            replace(LISTING, earliest_removal_on=date(2027, 5, 7)),
            ("DATE_INVALID", "facts.listed_until", "date.order"),
        ),
        (replace(LISTING, case_number=""), ("CASE_NUMBER_INVALID", "facts.case_number", "case-number.form")),
        (
            replace(LISTING, case_number=LISTING.judgment_case_number),
            ("CASE_NUMBER_INVALID", "facts.case_number", "case-number.enforcement"),
        ),
        (replace(LISTING, court=""), ("FACTS_INVALID", "facts.court", "text.length")),
        (replace(LISTING, issued_by=""), ("FACTS_INVALID", "facts.issued_by", "text.length")),
    ],
)
def test_what_an_entry_may_not_say(facts: ListingFacts, refused: tuple[str, str, str]) -> None:
    assert broken(facts) == refused


@pytest.mark.parametrize(
    ("grounds", "until", "rule"),
    [
        ((G.EVADES,), date(2027, 5, 6), None),
        ((G.EVADES,), date(2027, 5, 7), "J02"),
        # Serious obstruction, and several grounds, may be extended by three years.
        ((G.OBSTRUCTS,), date(2030, 5, 6), None),
        ((G.EVADES, G.CONSUMPTION), date(2030, 5, 6), None),
        ((G.OBSTRUCTS, G.EVADES), date(2030, 5, 7), "J02"),
        # It is not copied any more on the day on which it ends.
        ((G.EVADES,), TODAY, "listing.ended"),
    ],
)
def test_the_term_is_that_of_the_grounds(grounds: tuple[ListingGround, ...], until: date, rule: str | None) -> None:
    error = rule_broken_by(partial(check_term, replace(LISTING, grounds=grounds, listed_until=until), RULES, TODAY))
    assert (error and error.rule) == rule


def test_a_rulebook_without_years_knows_no_list() -> None:
    error = rule_broken_by(partial(check_term, ENDLESS, Rulebook(listing_years=0), TODAY))
    assert error is not None
    assert error.rule == "listing.none"


def test_a_copy_is_never_kept_longer_than_the_entry() -> None:
    assert kept_until(LISTING, RULES) == date(2027, 5, 6)
    # Without a term the copy must be read again.
    assert kept_until(ENDLESS, RULES) == date(2027, 9, 30)
    for until, rule in (
        ("2027-05-06", None),
        ("2027-05-07", "G06"),
        ("", "retention.absent"),
        ("2025-05-05", "date.order"),
    ):
        error = rule_broken_by(partial(check_kept, LISTING, until, RULES))
        assert (error and error.rule) == rule


@pytest.mark.parametrize(
    ("origin", "listed", "on_request", "rule"),
    [
        (ListingOrigin.APPLICANT, date(2025, 9, 6), True, None),
        (ListingOrigin.APPLICANT, date(2025, 9, 5), True, "J06"),
        # A court that acts of its own motion is not bound, nor is an entry that was removed for another reason.
        (ListingOrigin.COURT, date(2025, 3, 7), True, None),
        (ListingOrigin.APPLICANT, date(2025, 3, 7), False, None),
        # The entry that was removed is not reported as one that stands.
        (ListingOrigin.COURT, date(2025, 3, 6), False, "listing.removed"),
    ],
)
def test_nobody_is_listed_again_within_six_months(
    origin: ListingOrigin,
    listed: date,
    on_request: bool,  # noqa: FBT001 - a case of the table
    rule: str | None,
) -> None:
    facts = replace(LISTING, origin=origin, listed_on=listed)
    check = partial(check_not_banned, facts, date(2025, 3, 6), on_request=on_request, months=RULES.relisting_months)
    error = rule_broken_by(check)
    assert (error and error.rule) == rule


@pytest.mark.parametrize(
    ("removed", "due"),
    [
        (date(2025, 9, 22), date(2025, 9, 25)),
        # A Sunday that is worked; and a holiday of eight days, with the Saturday that is worked after it.
        (date(2025, 9, 26), date(2025, 9, 30)),
        (date(2025, 9, 30), date(2025, 10, 11)),
    ],
)
def test_a_copy_is_withdrawn_by_the_third_working_day(removed: date, due: date) -> None:
    holidays = ("2025-10-01", "2025-10-02", "2025-10-03", "2025-10-06", "2025-10-07", "2025-10-08")
    rules = Rulebook(holidays=holidays, workdays=("2025-09-28", "2025-10-11"))
    assert removal_due_on(removed, rules) == due


def test_minors_are_not_listed() -> None:
    assert (listed_on(LISTING), listed_on(ENFORCEMENT)) == (LISTING.listed_on, None)
    grown = rule_broken_by(partial(check_age, date(2007, 5, 6), LISTING.listed_on, listing=True))
    young = rule_broken_by(partial(check_age, date(2007, 5, 7), LISTING.listed_on, listing=True))
    assert (grown, young and young.rule) == (None, "J04")


def test_a_listing_rests_on_its_enforcement_or_on_its_number_alone() -> None:
    check_basis(Kind.LISTING, LISTING, None, None, None)
    for standing in (S.OPEN, S.STAYED, S.TRANSFERRED):
        check_basis(Kind.LISTING, LISTING, Kind.ENFORCEMENT, standing, ENFORCEMENT)


OTHER_DEBT = replace(ENFORCEMENT, debt=replace(ENFORCEMENT.debt, contract="ANOTHER"))


@pytest.mark.parametrize(
    ("kind", "standing", "basis", "rule"),
    [
        (Kind.DEFAULT, S.OPEN, DEFAULT, "basis.kind"),
        (Kind.JUDGMENT, S.OPEN, JUDGMENT, "basis.kind"),
        (Kind.ENFORCEMENT, S.OPEN, None, "basis.facts"),
        (Kind.ENFORCEMENT, S.SATISFIED, ENFORCEMENT, "basis.standing"),
        (Kind.ENFORCEMENT, None, ENFORCEMENT, "basis.standing"),
        (Kind.ENFORCEMENT, S.OPEN, replace(ENFORCEMENT, case_number="（2025）京0115执9000012号"), "basis.case-number"),
        (Kind.ENFORCEMENT, S.OPEN, replace(ENFORCEMENT, filed_on=date(2025, 5, 7)), "basis.order"),
        (Kind.ENFORCEMENT, S.OPEN, OTHER_DEBT, "basis.debt"),
    ],
)
def test_what_a_listing_may_not_rest_on(kind: Kind, standing: Standing | None, basis: Facts | None, rule: str) -> None:
    error = rule_broken_by(partial(check_basis, Kind.LISTING, LISTING, kind, standing, basis))
    assert error is not None
    assert error.rule == rule


def test_a_term_is_extended_and_nothing_else_becomes_another_entry() -> None:
    def rule_of(new: ListingFacts) -> str | None:
        error = rule_broken_by(partial(check_progress, Kind.LISTING, S.OPEN, LISTING, S.OPEN, new))
        return None if error is None else error.rule

    longer = replace(LISTING, listed_until=date(2028, 5, 6), as_of=TODAY)
    assert (rule_of(longer), corrects(LISTING, longer)) == (None, False)
    assert corrects(LISTING, replace(LISTING, grounds=(G.OBSTRUCTS,), as_of=TODAY))
    assert rule_of(replace(LISTING, listed_on=date(2025, 5, 7))) == "listing.same"
    assert rule_of(replace(LISTING, case_number="（2025）京0115执9000012号")) == "case-number.same"
    assert rule_of(replace(LISTING, judgment_case_number="（2024）京0115民初9000012号")) == "case-number.same"
