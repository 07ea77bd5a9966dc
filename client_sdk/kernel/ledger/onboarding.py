"""Licence and review of members: what an enrolment needs, and how the review of a member stands (proto/README.md 5).

A rulebook with ``review_days`` is one for production. Reviews follow from the acts alone and are in no map.
"""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.words import InstitutionStatus, Role
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.licence import check_licence

if TYPE_CHECKING:
    from datetime import date

    from client_sdk.kernel.formats.act import Enrolment
    from client_sdk.kernel.formats.review import Review
    from client_sdk.kernel.formats.state import InstitutionState, Rulebook

__all__ = ["ReviewStanding", "ReviewState", "check_onboarded", "check_renewed", "standing_of"]

# An identity, card or account number; a reference of days and serial numbers has more digits, with dashes between.
_LONG_NUMBER = re.compile("[0-9]{15}")


class ReviewState(StrEnum):
    """How the review of a member stands."""

    # None is asked for: the member does not lend, is TERMINATED, or the registry has invented persons alone.
    NOT_ASKED = "NOT_ASKED"
    CURRENT = "CURRENT"
    # Older than the rulebook's review_days.
    OVER = "OVER"
    MISSING = "MISSING"


class ReviewStanding(NamedTuple):
    """The newest review of a member.

    Attributes:
        state: how it stands.
        review: None for none.
        until: last day on which it counts; None where none is asked for or there is none.
    """

    state: ReviewState
    review: Review | None
    until: date | None


def check_onboarded(enrolment: Enrolment, rulebook: Rulebook, logged_at: int) -> None:
    """Check licence number and review of a new member.

    Args:
        enrolment: of it.
        rulebook: in force.
        logged_at: of the act, ms; before it is logged the time now.

    Raises:
        RuleError: ENROLMENT_INVALID.
    """
    if rulebook.production:
        check_licence(enrolment.licence_number, rulebook.jurisdiction)
    lends = Role.LENDER in enrolment.roles
    if enrolment.review is not None:
        if not lends:
            want = "none but for a LENDER: nobody else reports"
            raise RuleError("ENROLMENT_INVALID", "review", "review.lender", want=want)
        _check_review(enrolment.review, rulebook, logged_at)
    elif lends and rulebook.production:
        want = f"a review of the last {rulebook.review_days} days (`act propose institution --reviewed-on ...`)"
        raise RuleError("ENROLMENT_INVALID", "review", "review.present", got="none", want=want)


def check_renewed(
    state: InstitutionState, before: Review | None, review: Review, rulebook: Rulebook, logged_at: int
) -> None:
    """Check a further review of a member.

    Args:
        state: of the member.
        before: its newest review; None for none.
        review: the further one.
        rulebook: in force.
        logged_at: of the act, ms; before it is logged the time now.

    Raises:
        RuleError: ENROLMENT_INVALID or STATE_INVALID.
    """
    if Role.LENDER not in state.roles:
        want = "none but of a LENDER: nobody else reports"
        raise RuleError("ENROLMENT_INVALID", "review", "review.lender", want=want)
    if state.status is InstitutionStatus.TERMINATED:
        want = "no review of a terminated member"
        raise RuleError("STATE_INVALID", "institution", "institution.terminated", want=want)
    if before is not None and review.reviewed_on <= before.reviewed_on:
        got, want = review.reviewed_on.isoformat(), f"a day after {before.reviewed_on.isoformat()}, the review before"
        raise RuleError("ENROLMENT_INVALID", "reviewed_on", "review.later", got=got, want=want)
    _check_review(review, rulebook, logged_at)


def _check_review(review: Review, rulebook: Rulebook, logged_at: int) -> None:
    if _LONG_NUMBER.search(review.reference):
        got, want = "15 or more digits in a row", "no identity or account number"
        raise RuleError("ENROLMENT_INVALID", "reference", "review.number", got=got, want=want)
    today, got = day_of(logged_at, rulebook.time_zone), review.reviewed_on.isoformat()
    if review.reviewed_on > today:
        want = f"a day that is past, {today.isoformat()} at the latest"
        raise RuleError("ENROLMENT_INVALID", "reviewed_on", "review.future", got=got, want=want)
    if rulebook.production and review.reviewed_on < today - timedelta(days=rulebook.review_days):
        want = f"within {rulebook.review_days} days"
        raise RuleError("ENROLMENT_INVALID", "reviewed_on", "review.old", got=got, want=want)


def standing_of(state: InstitutionState, review: Review | None, rulebook: Rulebook, now: int) -> ReviewStanding:
    """Return how the review of a member stands.

    Args:
        state: of the member.
        review: its newest one; None for none.
        rulebook: in force.
        now: ms since 1970 UTC.
    """
    lends = Role.LENDER in state.roles and state.status is not InstitutionStatus.TERMINATED
    if not lends or not rulebook.production:
        return ReviewStanding(ReviewState.NOT_ASKED, review, None)
    if review is None:
        return ReviewStanding(ReviewState.MISSING, None, None)
    until = review.reviewed_on + timedelta(days=rulebook.review_days)
    over = day_of(now, rulebook.time_zone) > until
    return ReviewStanding(ReviewState.OVER if over else ReviewState.CURRENT, review, until)
