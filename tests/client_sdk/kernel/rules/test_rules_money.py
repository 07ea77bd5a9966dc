"""Money: currencies in use, parts that make a total."""

from __future__ import annotations

import pytest

from client_sdk.kernel.rules.codes.currencies import MINOR_UNITS
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.facts import Amounts
from client_sdk.kernel.rules.money import MAX_TOTAL, check_amounts, minor_units


@pytest.mark.parametrize(
    ("currency", "places"),
    [("CNY", 2), ("TWD", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("CLF", 4), ("EUR", 2), ("XOF", 0)],
)
def test_minor_units(currency: str, places: int) -> None:
    assert minor_units(currency) == places


@pytest.mark.parametrize(
    "currency", ["", "cny", "RMB", "CNH", "CN", "CNY ", "ＣＮＹ", "XXX", "XAU", "DEM", "BGN", "ANG"]
)
def test_what_is_no_currency_in_use_is_refused(currency: str) -> None:
    with pytest.raises(RuleError) as caught:
        check_amounts(Amounts(currency=currency), "facts.amounts")
    assert (caught.value.reason, caught.value.field) == (RuleReason.CURRENCY_INVALID, "facts.amounts.currency")


def test_the_list_is_whole() -> None:
    assert len(MINOR_UNITS) == 164
    assert all(code.isascii() and code.isalpha() and code.isupper() and len(code) == 3 for code in MINOR_UNITS)


@pytest.mark.parametrize(
    "amounts",
    [
        Amounts(currency="CNY", principal=-1, interest=5),
        Amounts(currency="CNY", fees=-1),
        Amounts(currency="CNY", principal=MAX_TOTAL, penalty=1),
    ],
)
def test_parts_are_from_zero_and_their_total_is_bounded(amounts: Amounts) -> None:
    with pytest.raises(RuleError) as caught:
        check_amounts(amounts, "facts.amounts")
    assert caught.value.rule == "money.parts"


def test_the_largest_total_is_accepted() -> None:
    check_amounts(Amounts(currency="CNY", principal=MAX_TOTAL), "facts.amounts")
