"""Overlays: dated rules by which records that were repaid are hidden from answers, without any change of them.

The one-off credit repair of the People's Bank of China (2025-12-22) is the pattern: what was overdue in a window, was
small, and was repaid by a day, is not displayed any more. The record itself stays as it was reported.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

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

__all__ = ["Unmet", "covers", "hidden_at_latest_from", "latest_retention", "named", "unmet", "with_overlays"]


class Unmet(NamedTuple):
    """The first condition of an overlay that a version does not meet.

    Attributes:
        field: of the statement or its facts.
        got: what the version says there: a date or a word, no amount.
        want: what the overlay covers.
    """

    field: str
    got: str
    want: str


def unmet(overlay: Overlay, standing: Standing, facts: Facts) -> Unmet | None:
    """Return what a version lacks for the overlay to cover it; None where it covers it.

    The amount is that of the version's facts, so a version that says nothing of what was overdue is not covered.

    Args:
        overlay: the rule.
        standing: of the newest version.
        facts: of the newest version.
    """
    if standing is not Standing.CURED or not isinstance(facts, DefaultFacts) or facts.ended_on is None:
        return Unmet("standing", standing.name, "a DEFAULT that is CURED, with the day of its repayment")
    arisen, amounts = facts.first_delinquency_on, facts.amounts
    if not overlay.arisen_from <= arisen <= overlay.arisen_until:
        want = f"{overlay.arisen_from} to {overlay.arisen_until}"
        return Unmet("facts.first_delinquency_on", arisen.isoformat(), want)
    if facts.ended_on > overlay.repaid_until:
        return Unmet("facts.ended_on", facts.ended_on.isoformat(), f"repaid by {overlay.repaid_until}")
    if amounts.currency != overlay.currency:
        return Unmet("facts.amounts.currency", amounts.currency, overlay.currency)
    overdue = amounts.principal + amounts.interest + amounts.penalty
    if not 0 < overdue <= overlay.most:
        want = f"principal, interest and penalty together at most {overlay.most} in minor units, and above 0"
        return Unmet("facts.amounts", "more" if overdue > 0 else "nothing overdue", want)
    return None


def hidden_at_latest_from(overlay: Overlay, standing: Standing, facts: Facts) -> date | None:
    """Return the day from which a record must be hidden at the latest; None where the overlay does not cover it.

    That is the last day of the month after the repayment, and no day before ``hides_from``.

    Args:
        overlay: the rule.
        standing: of the newest version.
        facts: of the newest version.
    """
    if unmet(overlay, standing, facts) is not None or not isinstance(facts, DefaultFacts) or facts.ended_on is None:
        return None
    return max(overlay.hides_from, months_later(facts.ended_on.replace(day=1), 2) - timedelta(days=1))


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
