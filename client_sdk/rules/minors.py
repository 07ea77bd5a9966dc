"""Age of a person reported: nobody under 14 (PIPL Art. 28 to 31, P07), nobody under 18 in a court listing (J04).

Pre-flight only: the registry never learns a birth date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.rules.errors import RuleError, RuleReason

if TYPE_CHECKING:
    from datetime import date

__all__ = ["ADULT_YEARS", "CHILD_YEARS", "age_on", "check_age"]

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
