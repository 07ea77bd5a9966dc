"""Days past due in the codes of other systems: each row of the table of bounds, decoded as of a date, and back."""

from __future__ import annotations

from datetime import date

import pytest

from client_sdk.kernel.rules.codes.crosswalk import code_lists, code_of, days_of
from client_sdk.kernel.rules.errors import RuleError

DAY = date(2026, 3, 1)
LISTS = ("china-m", "pboc-month", "metro2-rating", "metro2-status", "five-class-card", "five-class-loan")
# Both ends of each row: days, then the code in each list.
ROWS = """
0 0 M0 N 0 11 正常 正常
1 29 M1 1 0 11 关注 关注
30 30 M1 1 1 71 关注 关注
31 59 M2 2 1 71 关注 关注
60 60 M2 2 2 78 关注 关注
61 89 M3 3 2 78 关注 关注
90 90 M3 3 3 80 关注 关注
91 119 M4 4 3 80 次级 次级
120 120 M4 4 4 82 次级 次级
121 149 M5 5 4 82 可疑 次级
150 150 M5 5 5 83 可疑 次级
151 179 M6 6 5 83 可疑 次级
180 180 M6 6 6 84 可疑 次级
181 270 M7+ 7 6 84 损失 次级
271 360 M7+ 7 6 84 损失 可疑
361 36500 M7+ 7 6 84 损失 损失
"""


@pytest.mark.parametrize("row", ROWS.strip().splitlines())
def test_each_row_of_the_table_has_its_codes(row: str) -> None:
    least, most, *codes = row.split()
    for days in (int(least), int(most)):
        assert [code_of(days, name, DAY) for name in LISTS] == codes


@pytest.mark.parametrize("name", LISTS)
def test_every_day_has_one_code_and_every_code_its_days(name: str) -> None:
    (edition,) = code_lists()[name].editions
    assert len(edition.codes) == len(edition.upto) + 1 == len(set(edition.codes))
    assert list(edition.upto) == sorted(set(edition.upto))
    for days in range(400):
        found = days_of(code_of(days, name, DAY), name, DAY)
        assert found.least <= days
        assert found.most is None or days <= found.most


def test_only_what_loses_nothing_is_exact() -> None:
    assert days_of("M0", "china-m", DAY).exact
    assert days_of("M2", "china-m", DAY) == (31, 60)
    assert days_of("M7+", "china-m", DAY) == (181, None)
    assert not days_of("M7+", "china-m", DAY).exact


def test_a_day_is_decoded_by_the_edition_in_force_then() -> None:
    assert code_of(300, "five-class-loan", date(2023, 7, 1)) == "可疑"
    with pytest.raises(RuleError) as refused:
        code_of(300, "five-class-loan", date(2023, 6, 30))
    assert refused.value.rule == "codes.since"


@pytest.mark.parametrize(
    ("days", "name", "rule"), [(-1, "china-m", "codes.days"), (36_501, "china-m", "codes.days"), (1, "x", "codes.list")]
)
def test_what_has_no_code_is_refused(days: int, name: str, rule: str) -> None:
    with pytest.raises(RuleError) as refused:
        code_of(days, name, DAY)
    assert refused.value.rule == rule
    with pytest.raises(RuleError):
        days_of("M9", "china-m", DAY)
