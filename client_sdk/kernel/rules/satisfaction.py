"""Judgments that were paid in time: withdrawn where the rulebook says so, instead of kept as SATISFIED.

The register of judgments of England and Wales removes an entry that is paid within one calendar month of the judgment,
and keeps a later one as satisfied; a rulebook without such a period keeps both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.words import Kind, Standing, WithdrawalReason
from client_sdk.kernel.rules.dates import months_later
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.facts import JudgmentFacts

if TYPE_CHECKING:
    from datetime import date

    from client_sdk.kernel.rules.facts import Facts

__all__ = ["check_satisfied", "check_withdrawn_as_paid", "last_day_in_time", "was_paid_in_time"]


def last_day_in_time(judged_on: date, months: int) -> date | None:
    """Return the last day on which a payment removes a judgment; None where the rulebook gives no months."""
    return months_later(judged_on, months) if months else None


def was_paid_in_time(judged_on: date, paid_on: date, months: int) -> bool:
    """Whether a judgment was paid within so many calendar months of it, the last day included."""
    last = last_day_in_time(judged_on, months)
    return last is not None and paid_on <= last


def check_satisfied(standing: Standing, facts: Facts, months: int) -> None:
    """Check that a judgment which was paid in time is not kept as SATISFIED.

    Args:
        standing: of the version.
        facts: of the version.
        months: ``paid_judgment_months`` of the rulebook.

    Raises:
        RuleError: RETENTION_INVALID; it was paid in time.
    """
    if standing is not Standing.SATISFIED or not isinstance(facts, JudgmentFacts):
        return
    judged_on, paid_on = facts.judged_on, facts.ended_on
    if judged_on is not None and paid_on is not None and was_paid_in_time(judged_on, paid_on, months):
        raise RuleError(
            RuleReason.RETENTION_INVALID,
            "statement.standing",
            "judgment.paid-in-time",
            got=f"SATISFIED within {months} calendar months of the judgment",
            want=f"WITHDRAWN for the reason {WithdrawalReason.PAID_IN_TIME}",
        )


def check_withdrawn_as_paid(kind: Kind, reason: WithdrawalReason | None, months: int) -> None:
    """Check that only a judgment is withdrawn as paid in time, and only where the rulebook gives months for it.

    Raises:
        RuleError: ILLEGAL_TRANSITION.
    """
    if reason is WithdrawalReason.PAID_IN_TIME and not (kind is Kind.JUDGMENT and months):
        got = f"{kind.name}, {months} months"
        want = "a JUDGMENT, under a rulebook with paid_judgment_months"
        raise RuleError(
            RuleReason.ILLEGAL_TRANSITION, "statement.reason", "withdrawal.paid-in-time", got=got, want=want
        )
