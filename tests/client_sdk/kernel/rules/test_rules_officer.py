"""The name of the member of staff who asks: one rule for SDK and registry."""

from __future__ import annotations

import pytest

from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.officer import check_officer


@pytest.mark.parametrize("name", ["clerk-7", "王小明", "Zoë Ó Briain 123456", "desk ４２", "x" * 200])
def test_a_name_or_a_staff_number_is_one(name: str) -> None:
    check_officer(name, "officer")


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "officer.present"),
        (" ", "officer.present"),
        ("\u200b", "officer.present"),
        ("x" * 201, "officer.present"),
        ("clerk\n7", "text.characters"),
        ("clerk\ufe0f", "text.shapeless"),
        ("\u202eclerk", "text.direction"),
        ("clerk\U0001fae8", "text.assigned"),
        ("clerk-1234567", "officer.digits"),
        ("11010519491231002X", "officer.digits"),
        ("１２３４５６７", "officer.digits"),
        ("一二三四五六七", "officer.digits"),
        ("❶❷❸❹❺❻❼", "officer.digits"),
        ("1 2 3 4 5 6 ²", "officer.digits"),
    ],
)
def test_what_can_be_no_name_is_refused(name: str, rule: str) -> None:
    with pytest.raises(RuleError) as refused:
        check_officer(name, "officer")
    assert refused.value.rule == rule
    assert not name.strip() or name not in str(refused.value)
