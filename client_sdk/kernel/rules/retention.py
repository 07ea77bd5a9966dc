"""Retention: a record is kept for a number of years from the end of the conduct; open records without limit.

征信业管理条例 Art. 16(1) (C07): five years, then deleted. The number of years is the rulebook's. Where it counts them
from the start, as for judgments and defaults in the United Kingdom (K02, K05), open records end too. ``retain_until``
is in the signed statement, as text YYYY-MM-DD or empty; such texts compare like the dates they name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.rules.dates import check_order, day_of, months_later, required_date
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.facts import DefaultFacts, JudgmentFacts, ListingFacts
from client_sdk.kernel.rules.lifecycle import carries_subject, has_ended
from client_sdk.kernel.rules.listing import check_kept, kept_until

if TYPE_CHECKING:
    from datetime import date

    from client_sdk.kernel.formats.state import Rulebook
    from client_sdk.kernel.formats.words import Standing
    from client_sdk.kernel.rules.facts import Facts

__all__ = ["check_retain_until", "check_retention", "counted_from", "expires_on", "is_due", "latest_day"]

_FIELD = "statement.retain_until"


def counted_from(facts: Facts, rulebook: Rulebook) -> date | None:
    """Return the day from which the years are counted; None where that is the end of what has not ended.

    From the start means: from the first day of the delinquency, from the judgment (before it from its suit), from the
    day on which an enforcement was taken up.
    """
    if not rulebook.retained_from_start:
        return facts.ended_on
    if isinstance(facts, DefaultFacts):
        return facts.first_delinquency_on
    if isinstance(facts, JudgmentFacts) and facts.judged_on is not None:
        return facts.judged_on
    return facts.filed_on


def expires_on(ended_on: date, years: int) -> date:
    """Return the day on which a record is erased: the same day ``years`` later, 29 February clamped to the 28th."""
    return months_later(ended_on, 12 * years)


def latest_day(standing: Standing, facts: Facts, rulebook: Rulebook) -> date | None:
    """Return the day on which a version lets its record be erased at the latest; None while nothing has ended."""
    if isinstance(facts, ListingFacts):
        return kept_until(facts, rulebook)
    since = counted_from(facts, rulebook)
    if since is None or not _is_dated(standing, from_start=rulebook.retained_from_start):
        return None
    return expires_on(since, rulebook.retention_years)


def check_retention(
    standing: Standing, retain_until: str, previous_retain_until: str, facts: Facts, rulebook: Rulebook
) -> None:
    """Check the date of a statement against its facts: as ``check_retain_until``, or as a listing's.

    Raises:
        RuleError: RETENTION_INVALID or DATE_INVALID.
    """
    if isinstance(facts, ListingFacts):
        check_kept(facts, retain_until, rulebook)
    else:
        since, from_start = counted_from(facts, rulebook), rulebook.retained_from_start
        years = rulebook.retention_years
        check_retain_until(standing, retain_until, previous_retain_until, since, years, from_start=from_start)


def check_retain_until(
    standing: Standing,
    retain_until: str,
    previous_retain_until: str,
    since: date | None,
    years: int,
    *,
    from_start: bool = False,
) -> None:
    """Check the date of a statement against its standing, the version before, and the end of the conduct.

    Args:
        standing: of the statement.
        retain_until: of the statement.
        previous_retain_until: of the version before; empty for version 1 or where it had none.
        since: ``counted_from`` the facts; None if they are not available, as to an auditor.
        years: of the rulebook.
        from_start: ``retained_from_start`` of the rulebook.

    Raises:
        RuleError: RETENTION_INVALID; present where nothing has ended, absent where something has, later than the
            version before or than the law allows, or before the end of the conduct. DATE_INVALID; no real date.
    """
    if not _is_dated(standing, from_start=from_start):
        if retain_until:
            raise _refused("retention.present", retain_until, f"none while {standing.name}")
        return
    if not retain_until:
        raise _refused("retention.absent", "", f"a date, for {standing.name}")
    until = required_date(retain_until, _FIELD)
    if previous_retain_until and retain_until > previous_retain_until:
        raise _refused("retention.later", retain_until, f"not after {previous_retain_until}")
    if since is not None:
        latest = expires_on(since, years)
        if until > latest:
            raise _refused("K02" if from_start else "C07", retain_until, f"not after {latest.isoformat()}")
        check_order(since, "facts" if from_start else "facts.ended_on", until, _FIELD)


def is_due(retain_until: str, logged_at_ms: int, time_zone: str) -> bool:
    """Whether a record must be erased at that moment: its day has come in the registry's legal time zone.

    Args:
        retain_until: of the newest statement; empty where the record never expires.
        logged_at_ms: milliseconds since 1970 UTC.
        time_zone: of the rulebook.

    Raises:
        RuleError: DATE_INVALID; the moment or the zone is invalid.
    """
    return bool(retain_until) and retain_until <= day_of(logged_at_ms, time_zone).isoformat()


def _is_dated(standing: Standing, *, from_start: bool) -> bool:
    """Whether a version of another kind than LISTING names a last day."""
    return has_ended(standing) or (from_start and carries_subject(standing))


def _refused(rule: str, got: str, want: str) -> RuleError:
    return RuleError(RuleReason.RETENTION_INVALID, _FIELD, rule, got=got, want=want)
