"""Listings: copies of the courts' list of dishonest judgment debtors (失信被执行人, rules of 2017).

The copy is never kept longer than the court's entry. An entry with a term ends on the day that it names, and the copy
with it, by the clock; the copy of one without a term ends so many years after the list was last read, unless it is read
again. Where the court removes an entry earlier, the lender withdraws the copy, at the latest on the third working day.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.statement import REMOVALS
from client_sdk.kernel.formats.words import Kind
from client_sdk.kernel.rules.calendar import next_working_day
from client_sdk.kernel.rules.dates import check_order, day_of, months_later, required_date
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.fact_words import ListingGround, ListingOrigin

if TYPE_CHECKING:
    from client_sdk.kernel.formats.state import Rulebook
    from client_sdk.kernel.formats.statement import Statement
    from client_sdk.kernel.rules.listing_facts import ListingFacts

__all__ = [
    "EXTENSION_YEARS",
    "check_grounds",
    "check_has_term",
    "check_kept",
    "check_not_banned",
    "check_removal",
    "check_removed_on",
    "check_term",
    "kept_until",
    "removal_due_on",
]

# By how much a court may extend the term at most (Art. 2).
EXTENSION_YEARS = 3
# Within so many working days an entry is deleted once its reason is gone (Art. 10).
_REMOVAL_DAYS = 3
_FIELD = "statement.retain_until"


def check_grounds(facts: ListingFacts) -> None:
    """Check the grounds of an entry.

    Raises:
        RuleError: FACTS_INVALID (J01).
    """
    if not facts.grounds or any(later <= earlier for earlier, later in pairwise(facts.grounds)):
        want = "at least one ground, ascending, without repetition"
        raise RuleError(RuleReason.FACTS_INVALID, "facts.grounds", "J01", want=want)


def check_has_term(facts: ListingFacts) -> None:
    """Check that an entry has a term where its grounds give it one.

    Raises:
        RuleError: DATE_INVALID.
    """
    if facts.listed_until is None and facts.grounds != (ListingGround.REFUSES,):
        want = "the day on which the entry ends; only one for the ground REFUSES alone has no term"
        raise RuleError(RuleReason.DATE_INVALID, "facts.listed_until", "listing.term", got="none", want=want)


def check_term(facts: ListingFacts, rulebook: Rulebook, today: date) -> None:
    """Check the term of an entry, and that it has not ended.

    Args:
        facts: of the version.
        rulebook: in force.
        today: of the submission, in the registry's legal time zone.

    Raises:
        RuleError: ILLEGAL_TRANSITION where the rulebook knows no such list; DATE_INVALID where the term is longer than
            the law's (J02), or has ended.
    """
    years = rulebook.listing_years
    _check_listed_here(rulebook)
    until = facts.listed_until
    if until is None:
        return
    # Extended for violence or obstruction that is serious, or for several grounds (Art. 2).
    if ListingGround.OBSTRUCTS in facts.grounds or len(facts.grounds) > 1:
        years += EXTENSION_YEARS
    latest = months_later(facts.listed_on, 12 * years)
    if until > latest:
        want = f"not after {latest.isoformat()}, {years} years after listed_on for these grounds"
        raise RuleError(RuleReason.DATE_INVALID, "facts.listed_until", "J02", got=until.isoformat(), want=want)
    if until <= today:
        want = f"after {today.isoformat()}: an entry that has ended is not reported"
        raise RuleError(
            RuleReason.DATE_INVALID, "facts.listed_until", "listing.ended", got=until.isoformat(), want=want
        )


def kept_until(facts: ListingFacts, rulebook: Rulebook) -> date:
    """Return the day on which the copy is erased at the latest: that of the court's entry, where it has a term."""
    return facts.listed_until or months_later(facts.as_of, 12 * rulebook.listing_years)


def check_kept(facts: ListingFacts, retain_until: str, rulebook: Rulebook) -> None:
    """Check the date of a statement against the entry.

    Raises:
        RuleError: RETENTION_INVALID; no date, or one that is later than the court's entry (G06). DATE_INVALID; no real
            date, or one before the entry.
    """
    if not retain_until:
        raise _refused("retention.absent", "", "a date, for a LISTING")
    until = required_date(retain_until, _FIELD)
    latest = kept_until(facts, rulebook)
    if until > latest:
        raise _refused("G06", retain_until, f"not after {latest.isoformat()}, when the court's entry ends")
    check_order(facts.listed_on, "facts.listed_on", until, _FIELD)


def check_removal(statement: Statement, rulebook: Rulebook, copied_at: int | None = None) -> None:
    """Check what the statement of a version shows of these rules without its facts.

    Args:
        statement: of the version.
        rulebook: in force.
        copied_at: when the first version of the record was logged, ms; None where that is not known.

    Raises:
        RuleError: ILLEGAL_TRANSITION where another kind is withdrawn as removed by the court, or the rulebook knows no
            such list; DATE_INVALID where the court's removal is after the statement, or before the copy was made;
            RETENTION_INVALID where the copy is kept for longer than any entry lasts.
    """
    if statement.kind is not Kind.LISTING:
        if statement.reason in REMOVALS:
            raise RuleError(
                RuleReason.ILLEGAL_TRANSITION,
                "statement.reason",
                "withdrawal.court-removed",
                got=statement.kind.name,
                want="a LISTING",
            )
        return
    if statement.removed_on:
        removed_on = required_date(statement.removed_on, "statement.removed_on")
        copied_on = None if copied_at is None else day_of(copied_at, rulebook.time_zone)
        check_removed_on(removed_on, copied_on, day_of(statement.issued_at, rulebook.time_zone))
    if not statement.retain_until:
        return
    _check_listed_here(rulebook)
    issued = day_of(statement.issued_at, rulebook.time_zone)
    latest = months_later(issued, 12 * (rulebook.listing_years + EXTENSION_YEARS)).isoformat()
    if statement.retain_until > latest:
        raise _refused("G06", statement.retain_until, f"not after {latest}, when the longest entry of that day ends")


def check_removed_on(removed_on: date, copied_on: date | None, today: date) -> None:
    """Check the day on which the court removed an entry, as a withdrawal names it.

    By that day an entry is known again that was removed, and the months count in which it is not repeated (J06): with
    an earlier day than the copy's own, both would come to nothing.

    Args:
        removed_on: that day.
        copied_on: day on which the first version of the copy was logged, in the registry's legal time zone; None where
            it is not known.
        today: of the statement, likewise.

    Raises:
        RuleError: DATE_INVALID; it is a day to come, or the entry was removed before it was copied.
    """
    if removed_on > today:
        got, want = removed_on.isoformat(), f"not after {today.isoformat()}: what the court has not removed yet stands"
        raise RuleError(RuleReason.DATE_INVALID, "statement.removed_on", "listing.removed-on", got=got, want=want)
    if copied_on is not None and removed_on < copied_on:
        want = (
            f"from {copied_on.isoformat()} on, when the entry was first reported; an entry removed before is an ERROR"
        )
        got = removed_on.isoformat()
        raise RuleError(RuleReason.DATE_INVALID, "statement.removed_on", "listing.removed-before", got=got, want=want)


def check_not_banned(facts: ListingFacts, removed_on: date, *, on_request: bool, months: int) -> None:
    """Check an entry of a debt whose earlier entry the court has removed.

    Args:
        facts: of version 1.
        removed_on: day on which the court removed the earlier entry, as the withdrawal of its copy says.
        on_request: whether it was removed because the applicant asked for it.
        months: ``relisting_months`` of the rulebook.

    Raises:
        RuleError: DEBT_BLOCKED; it is the entry that was removed, or the applicant had the person listed again too
            early (J06). A court that lists of its own motion may do so at any time.
    """
    listed = facts.listed_on.isoformat()
    if facts.listed_on <= removed_on:
        want = f"an entry made after {removed_on.isoformat()}, when the court removed the one before"
        raise RuleError("DEBT_BLOCKED", "facts.listed_on", "listing.removed", got=listed, want=want)
    free = months_later(removed_on, months)
    if on_request and facts.origin is ListingOrigin.APPLICANT and facts.listed_on < free:
        want = f"an entry from {free.isoformat()} on, or one of the court's own motion"
        raise RuleError("DEBT_BLOCKED", "facts.listed_on", "J06", got=listed, want=want)


def removal_due_on(removed_on: date, rulebook: Rulebook) -> date:
    """Return the last day on which the copy is withdrawn: the third working day after the court removed the entry."""
    day = removed_on
    for _ in range(_REMOVAL_DAYS):
        day = next_working_day(day + timedelta(days=1), rulebook)
    return day


def _check_listed_here(rulebook: Rulebook) -> None:
    if not rulebook.listing_years:
        want = "another kind: listing_years of the rulebook is 0"
        raise RuleError(RuleReason.ILLEGAL_TRANSITION, "statement.kind", "listing.none", got="LISTING", want=want)


def _refused(rule: str, got: str, want: str) -> RuleError:
    return RuleError(RuleReason.RETENTION_INVALID, _FIELD, rule, got=got, want=want)
