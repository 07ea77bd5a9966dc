"""For how long alerts about a person are asked for (proto/README.md 9)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from client_sdk.kernel.rules.dates import required_date
from client_sdk.kernel.rules.errors import RuleError, RuleReason

if TYPE_CHECKING:
    from datetime import date

__all__ = ["ALERT_DAYS", "PAGE_ALERTS", "check_alerts_until"]

# A mandate that is as old as this is asked for again.
ALERT_DAYS = 366
# Alerts of one message, and of those that a member says it has stored; each takes some 50 bytes.
PAGE_ALERTS = 256


def check_alerts_until(until: str, today: date) -> None:
    """Check the last day of alerts.

    Args:
        until: YYYY-MM-DD.
        today: in the rulebook's time zone.

    Raises:
        RuleError: DATE_INVALID; it is no day, over already, or more than 366 days away.
    """
    field = "inquiry.alerts_until"
    day, last = required_date(until, field), today + timedelta(ALERT_DAYS)
    if not today <= day <= last:
        want = f"a day from {today} to {last}"
        raise RuleError(RuleReason.DATE_INVALID, field, "alerts.until", got=until, want=want)
