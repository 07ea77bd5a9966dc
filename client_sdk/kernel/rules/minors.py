"""Age of a person reported: nobody under 14 (PIPL Art. 28 to 31, P07), nobody under 18 in a court listing (J04).

No event that is reported of a person is before the birth: one of the two is then a typing error.

Pre-flight only: the registry never learns a birth date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.facts import DefaultFacts, EnforcementFacts, ListingFacts, Measure

if TYPE_CHECKING:
    from datetime import date

    from client_sdk.kernel.rules.facts import Facts

__all__ = ["ADULT_YEARS", "CHILD_YEARS", "age_on", "check_age", "check_born", "listed_on"]

CHILD_YEARS = 14
ADULT_YEARS = 18


def age_on(birth_date: date, on: date) -> int:
    """Return whole years of age; who was born on 29 February is a year older on 1 March of a common year."""
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def check_age(birth_date: date | None, on: date, *, listing: bool = False) -> None:
    """Check that a person is old enough to be reported.

    Args:
        birth_date: None where the number tells none, so that nothing can be checked.
        on: date of the report.
        listing: whether it copies the courts' list of dishonest debtors, which has no minors.

    Raises:
        RuleError: MINOR_SUBJECT.
    """
    if birth_date is None:
        return
    years, rule = (ADULT_YEARS, "J04") if listing else (CHILD_YEARS, "P07")
    if age_on(birth_date, on) < years:
        raise RuleError(RuleReason.MINOR_SUBJECT, "identity", rule, want=f"at least {years} years of age")


def listed_on(facts: Facts) -> date | None:
    """Return a day on which the person was in the courts' list of dishonest debtors (失信被执行人); None for none.

    Of a listing that is the day of the entry, of an enforcement that names the list the day of the facts.
    """
    if isinstance(facts, ListingFacts):
        return facts.listed_on
    named = isinstance(facts, EnforcementFacts) and Measure.LISTED_DISHONEST in facts.measures
    return facts.as_of if named else None


def check_born(birth_date: date | None, facts: Facts) -> None:
    """Check that no date of the facts is before the birth date in the identity number.

    Args:
        birth_date: None where the number tells none, so that nothing can be checked.
        facts: of the version.

    Raises:
        RuleError: DATE_INVALID.
    """
    if birth_date is None:
        return
    if isinstance(facts, DefaultFacts):
        begun = [("facts.first_delinquency_on", facts.first_delinquency_on), ("facts.called_on", facts.called_on)]
    else:
        begun = [("facts.filed_on", facts.filed_on)]
    if facts.consent is not None:
        begun.append(("facts.consent.date", facts.consent.date))
    for field, day in begun:
        if day is not None and day < birth_date:
            want = "not before the birth that the identity number tells; one of the two is wrong"
            raise RuleError(RuleReason.DATE_INVALID, field, "date.birth", got="a day before the birth", want=want)
