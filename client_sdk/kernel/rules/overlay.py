"""Overlays: dated rules by which records that were repaid are hidden from answers, without any change of them.

The one-off credit repair of the People's Bank of China (2025-12-22) is the pattern: what was overdue in a window, was
small, and was repaid by a day, is not displayed any more. The record itself stays as it was reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.rules.dates import months_later
from client_sdk.kernel.rules.facts import DefaultFacts

if TYPE_CHECKING:
    from datetime import date

    from client_sdk.kernel.rules.facts import Facts

__all__ = ["Overlay", "hidden_at_latest_from"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """One rule by which records are hidden.

    Attributes:
        name: of letters, digits, dots, underscores and hyphens.
        arisen_from: first day on which the overdue may have arisen.
        arisen_until: last such day.
        currency: ISO 4217 code of the limit.
        most: principal, interest and penalty together at most, in minor units of the currency.
        repaid_until: last day on which everything must have been repaid.
        hides_from: first day on which anything is hidden.
    """

    name: str
    arisen_from: date
    arisen_until: date
    currency: str
    most: int
    repaid_until: date
    hides_from: date


def hidden_at_latest_from(overlay: Overlay, standing: Standing, facts: Facts) -> date | None:
    """Return the day from which a record must be hidden at the latest; None where the overlay does not cover it.

    That is the last day of the month after the repayment, and no day before ``hides_from``. The amount is that of the
    version's facts, so a version that says nothing of what was overdue is not covered.

    Args:
        overlay: the rule.
        standing: of the newest version.
        facts: of the newest version.
    """
    if standing is not Standing.CURED or not isinstance(facts, DefaultFacts) or facts.ended_on is None:
        return None
    amounts, repaid_on = facts.amounts, facts.ended_on
    overdue = amounts.principal + amounts.interest + amounts.penalty
    covered = (
        overlay.arisen_from <= facts.first_delinquency_on <= overlay.arisen_until
        and repaid_on <= overlay.repaid_until
        and amounts.currency == overlay.currency
        and 0 < overdue <= overlay.most
    )
    if not covered:
        return None
    return max(overlay.hides_from, months_later(repaid_on.replace(day=1), 2) - timedelta(days=1))
