"""An overlay as a rulebook may have it, in the time of the tests' logs."""

from __future__ import annotations

from datetime import date

from client_sdk.kernel.formats.overlay import Overlay

__all__ = ["REPAIR"]

REPAIR = Overlay(
    name="one-off-repair",
    arisen_from=date(2020, 1, 1),
    arisen_until=date(2025, 12, 31),
    currency="CNY",
    most=1_000_000,
    repaid_until=date(2026, 3, 31),
    hides_from=date(2025, 1, 1),
    hides_until=date(2026, 3, 1),
)
