"""Amounts of money: whole minor units of a currency in use, whose parts make a total (F07)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.rules.codes.currencies import MINOR_UNITS
from client_sdk.kernel.rules.errors import RuleError, RuleReason

if TYPE_CHECKING:
    from client_sdk.kernel.rules.fact_parts import Amounts

__all__ = ["MAX_TOTAL", "check_amounts", "minor_units"]

# Readers may add totals over records in signed 64-bit integers.
MAX_TOTAL = 2**62


def minor_units(currency: str, field: str = "currency") -> int:
    """Return the number of decimal places of a currency's minor unit (ISO 4217).

    Raises:
        RuleError: CURRENCY_INVALID; not the code of a currency in use, in capitals.
    """
    places = MINOR_UNITS.get(currency)
    if places is None:
        raise RuleError(RuleReason.CURRENCY_INVALID, field, "money.currency", want="an ISO 4217 code in use")
    return places


def check_amounts(amounts: Amounts, field: str) -> None:
    """Check currency and parts.

    Raises:
        RuleError: CURRENCY_INVALID, or FACTS_INVALID where a part is negative or the total exceeds 2^62.
    """
    minor_units(amounts.currency, f"{field}.currency")
    for part in ("principal", "interest", "penalty", "fees"):
        if getattr(amounts, part) < 0:
            want = "a whole number of minor units from 0"
            raise RuleError(
                RuleReason.FACTS_INVALID, f"{field}.{part}", "money.parts", got="a number below 0", want=want
            )
    if amounts.total > MAX_TOTAL:
        want = "minor units whose total is at most 2^62"
        raise RuleError(RuleReason.FACTS_INVALID, field, "money.parts", got="a larger total", want=want)
