"""Production: settings of a registry that serves real persons, held against the rulebook in its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.jurisdiction import CHINA
from client_sdk.kernel.rules.dates import day_of
from registry_server.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from client_sdk.kernel.formats.state import Rulebook
    from registry_server.settings import Settings

__all__ = ["check_serving", "stored_abroad", "why_not_served"]

# ISO 3166: the mainland as a whole, and its parts. CN-HK, CN-MO and CN-TW are outside of it.
_PARTS = "AH BJ CQ FJ GD GS GX GZ HA HB HE HI HL HN JL JS JX LN NM NX QH SC SD SH SN SX TJ XJ XZ YN ZJ"
_MAINLAND = frozenset(("CN", *(f"CN-{part}" for part in _PARTS.split())))


def stored_abroad(settings: Settings, rulebook: Rulebook) -> bool:
    """Return whether data is stored outside of mainland China under its rulebook (征信业管理条例 Art. 24)."""
    return rulebook.jurisdiction == CHINA and settings.storage_region not in _MAINLAND


def check_serving(settings: Settings, rulebook: Rulebook, today: date) -> None:
    """Check that a registry of real persons is served as one, assessed, and where its rulebook allows.

    Args:
        settings: of the process.
        rulebook: of the log.
        today: legal day.

    Raises:
        SettingsError: it is not.
    """
    if rulebook.production and not settings.production:
        raise SettingsError(
            f"production is false, and the rulebook has review_days = {rulebook.review_days}: real persons are in the "
            "registry; set production, licence, storage_region and impact_assessment_on"
        )
    assessed = settings.impact_assessment_on
    if settings.production and assessed is not None and assessed > today:
        want = f"the day of an assessment that was made, {today.isoformat()} at the latest"
        raise SettingsError(f"impact_assessment_on is {assessed.isoformat()}, which is still to come: want {want}")
    if settings.production and stored_abroad(settings, rulebook):
        raise SettingsError(
            f"storage_region is {settings.storage_region}, and the rulebook is that of mainland China: real persons' "
            "data is stored and processed there (征信业管理条例 Art. 24)"
        )


def why_not_served(settings: Settings, clock: Callable[[], int], rulebook: Rulebook) -> str:
    """Return why a registry with these settings may not serve under a rulebook; empty where it may.

    Args:
        settings: of the process.
        clock: returns the time now, ms.
        rulebook: that would be in force.
    """
    try:
        check_serving(settings, rulebook, day_of(clock(), rulebook.time_zone))
    except SettingsError as error:
        return str(error)
    return ""
