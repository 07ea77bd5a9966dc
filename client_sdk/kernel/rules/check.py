"""The rules on facts: within one version, and at the moment it is admitted.

Pre-flight, registry and every verifier that opens facts run the same functions, in this order: ``check_facts`` (one
version by itself), ``check_admission`` (against the moment of submission), ``check_progress`` (against the version
before), ``check_basis`` (against the record it rests on). Each raises the first rule that is broken; ``fact_rules`` and
``admission_rules`` are the rules of the first two one by one, for those who tell all that are broken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.moment import span
from client_sdk.kernel.rules.basis import check_basis
from client_sdk.kernel.rules.consent import check_consent
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.fact_rules import fact_rules
from client_sdk.kernel.rules.notice import check_notice
from client_sdk.kernel.rules.progress import check_progress

if TYPE_CHECKING:
    from datetime import date

    from client_sdk.kernel.formats.words import Kind, Standing
    from client_sdk.kernel.rules.fact_rules import Rule
    from client_sdk.kernel.rules.facts import Facts

__all__ = ["admission_rules", "check_admission", "check_basis", "check_facts", "check_issued", "check_progress"]

# A lender's clock may be this much ahead of the registry's.
_CLOCK_TOLERANCE_MS = 300_000


def check_facts(kind: Kind, standing: Standing, facts: Facts, *, chinese_case_numbers: bool = True) -> None:
    """Check one version by itself: money, dates, stage, case numbers, role, debt, approver.

    Args:
        kind: of the record.
        standing: of the version; it must be one that carries facts.
        facts: of the version.
        chinese_case_numbers: of the rulebook; where it is not, a number is any short text.

    Raises:
        RuleError: the first rule that is broken.
    """
    for rule in fact_rules(kind, standing, facts, chinese_case_numbers=chinese_case_numbers):
        rule()


def check_admission(facts: Facts, *, submitted_at_ms: int, issued_at_ms: int, notice_hours: int, today: date) -> None:
    """Check one version against the moment at which it is supplied.

    Args:
        facts: of the version.
        submitted_at_ms: moment of admission, milliseconds since 1970 UTC.
        issued_at_ms: of the statement.
        notice_hours: of the rulebook.
        today: date of the submission in the registry's legal time zone (``dates.day_of``).

    Raises:
        RuleError: NOTICE_MISSING or NOTICE_LATE (C06), CONSENT_MISSING (C03, C20), DATE_INVALID where facts or
            statement are of the future.
    """
    for rule in admission_rules(
        facts, submitted_at_ms=submitted_at_ms, issued_at_ms=issued_at_ms, notice_hours=notice_hours, today=today
    ):
        rule()


def admission_rules(
    facts: Facts, *, submitted_at_ms: int, issued_at_ms: int, notice_hours: int, today: date
) -> list[Rule]:
    """Return the rules that ``check_admission`` checks, in its order, with its arguments; see ``fact_rules``."""
    return [
        lambda: check_notice(
            facts.notice, facts.legal_basis, submitted_at_ms=submitted_at_ms, notice_hours=notice_hours
        ),
        lambda: check_consent(facts.consent, facts.legal_basis, today=today),
        lambda: _check_not_future(facts, today),
        lambda: check_issued(issued_at_ms, submitted_at_ms),
    ]


def _check_not_future(facts: Facts, today: date) -> None:
    if facts.as_of > today:
        raise RuleError(
            RuleReason.DATE_INVALID,
            "facts.as_of",
            "date.future",
            got=facts.as_of.isoformat(),
            want=f"not after {today.isoformat()}",
        )


def check_issued(issued_at: int, logged_at: int) -> None:
    """Check that a statement was signed before it is logged, as far as two clocks can say so.

    Args:
        issued_at: of the statement, ms.
        logged_at: of its leaf, or the moment of its submission, ms.

    Raises:
        RuleError: DATE_INVALID; it is of the future.
    """
    if issued_at > logged_at + _CLOCK_TOLERANCE_MS:
        raise RuleError(
            RuleReason.DATE_INVALID,
            "statement.issued_at",
            "date.future",
            got=f"{span(issued_at - logged_at)} after the submission",
            want=f"at most {span(_CLOCK_TOLERANCE_MS)} after",
        )
