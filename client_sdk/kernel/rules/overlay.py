"""Overlays: dated rules by which records that were repaid are hidden from answers, without any change of them.

The one-off credit repair of the People's Bank of China (2025-12-22) is the pattern: what was overdue in a window, was
small, and was repaid by a day, is not displayed any more. The record itself stays as it was reported.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.rules.dates import months_later
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.facts import DefaultFacts
from client_sdk.kernel.rules.retention import expires_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from client_sdk.kernel.formats.overlay import Overlay
    from client_sdk.kernel.rules.facts import Facts

__all__ = ["covers", "hidden_at_latest_from", "latest_retention", "named", "with_overlays"]


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


def named(overlays: Iterable[Overlay], name: str) -> Overlay | None:
    """Return the overlay of that name; None where the rulebook has none."""
    return next((overlay for overlay in overlays if overlay.name == name), None)


def with_overlays(known: Mapping[str, Overlay], overlays: Iterable[Overlay]) -> dict[str, Overlay]:
    """Return the overlays of all rulebooks so far, by name, with those of a further one.

    An overlay covers the same under its name for ever; only the days on which it hides may change. A record stays
    hidden under the name, and neither log nor registry could tell whether another amount or window still covers it.

    Args:
        known: of the rulebooks before.
        overlays: of the next one.

    Raises:
        RuleError: RULEBOOK_INVALID; one covers something else than one of its name did.
    """
    found = dict(known)
    for overlay in overlays:
        before = found.get(overlay.name, overlay)
        if overlay != replace(before, hides_from=overlay.hides_from, hides_until=overlay.hides_until):
            want = "what an overlay of that name covered before, or another name"
            raise RuleError("RULEBOOK_INVALID", "overlays", "overlay.kept", got=overlay.name, want=want)
        found[overlay.name] = overlay
    return found


def latest_retention(overlay: Overlay, years: int) -> str:
    """Return the latest ``retain_until`` (YYYY-MM-DD) of what was repaid in time for the overlay.

    Args:
        overlay: the rule.
        years: the most for which any rulebook of the jurisdiction keeps a record. The rulebook may have fewer, and had
            perhaps another number when the version was logged: a later reader of the log need not look that up.
    """
    return expires_on(overlay.repaid_until, years).isoformat()


def covers(
    overlay: Overlay | None, kind: Kind, standing: Standing, retain_until: str, *, day: date, years: int
) -> bool:
    """Whether a record may be hidden on that day, as far as dates and standings in the log show it.

    Args:
        overlay: of the rulebook in force; None where it has none of that name.
        kind: of the record.
        standing: of its newest version.
        retain_until: of its newest version.
        day: the legal day.
        years: as for ``latest_retention``.
    """
    return (
        overlay is not None
        and overlay.hides_from <= day < overlay.hides_until
        and kind is Kind.DEFAULT
        and standing is Standing.CURED
        and retain_until <= latest_retention(overlay, years)
    )
