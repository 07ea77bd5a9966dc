"""Case numbers: every vector, and the pattern of the vectors as a second opinion."""

from __future__ import annotations

import itertools
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.rules.case_number import (
    CaseNumber,
    check_enforcement_number,
    check_judgment_number,
    parse_case_number,
)
from client_sdk.kernel.rules.codes.case_types import CASE_TYPES
from client_sdk.kernel.rules.codes.courts import COURTS_WITHOUT_COUNTY, PROVINCES, county_of
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.instrument import canonical_instrument, is_instrument

VECTORS = json.loads((Path(__file__).parents[3] / "vectors/domain/case-numbers.json").read_text(encoding="utf-8"))
PATTERN = re.compile(VECTORS["pattern"])
COUNTIES = VECTORS["court_code_to_county"]


@pytest.mark.parametrize("case", [case for case in VECTORS["cases"] if case["valid"]], ids=lambda case: case["why"])
def test_a_valid_number_is_read_in_its_parts(case: dict[str, Any]) -> None:
    number = parse_case_number(case["input"])
    parts = (number.year, number.court, number.type_code, number.seq, number.suffix, number.text)
    wanted = ("year", "court", "type", "seq", "suffix", "canonical")
    assert parts == tuple(case[name] for name in wanted)
    assert parse_case_number(number.text) == number


@pytest.mark.parametrize("case", [case for case in VECTORS["cases"] if not case["valid"]], ids=lambda case: case["why"])
def test_what_is_almost_a_number_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(RuleError) as caught:
        parse_case_number(case["input"])
    assert caught.value.reason is RuleReason.CASE_NUMBER_INVALID
    assert case["input"] not in str(caught.value)


@pytest.mark.parametrize("case", VECTORS["usage"], ids=itertools.count())
def test_uses_of_a_number(case: dict[str, Any]) -> None:
    def use() -> CaseNumber:
        number = parse_case_number(case["case_no"])
        if case["role"] == "enforcement_no":
            check_enforcement_number(number, 2024)
        else:
            check_judgment_number(number, date.fromisoformat(case["decided_on"]).year)
        return number

    if case["expect"] == "REJECT":
        with pytest.raises(RuleError):
            use()
    else:
        assert use().legacy is (case["expect"] == "WARN")


@pytest.mark.parametrize(("court", "county"), COUNTIES["pairs"])
def test_a_basic_court_is_that_of_its_county(court: str, county: str) -> None:
    assert county_of(court) == county
    assert parse_case_number(f"（2024）{court}民初9000001号").county == county


def test_special_courts_have_no_county() -> None:
    exceptions = COUNTIES["exceptions"]
    assert set(exceptions["internet_courts"]) == COURTS_WITHOUT_COUNTY
    others = [*exceptions["finance_courts"], *exceptions["ip_courts"], "沪72", "沪7101", "兵0101", "最高法", "京"]
    assert {county_of(court) for court in [*others, *COURTS_WITHOUT_COUNTY]} == {None}


def test_the_code_lists_are_those_of_the_vectors() -> None:
    assert set(CASE_TYPES) == set(VECTORS["types"])
    assert len(PROVINCES) == 31
    assert all(province in VECTORS["pattern"] for province in PROVINCES)


_pieces = st.sampled_from(
    [
        *"（(〔[）)〕]",
        "2023",
        "1989",
        "京",
        "兵",
        "最高法",
        "知",
        "0115",
        "01",
        *VECTORS["types"],
        "1",
        "9000001",
        "号",
        "之一",
        "字第",
        " ",
    ]
)


@given(st.lists(_pieces, max_size=9).map("".join) | st.text(max_size=30))
def test_it_agrees_with_the_pattern_of_the_vectors(text: str) -> None:
    match = PATTERN.fullmatch(text)
    valid = match is not None and int(match["y"]) >= 1990
    try:
        number = parse_case_number(text)
    except RuleError:
        assert not valid
    else:
        assert valid or number.legacy
        assert parse_case_number(number.text) == number


def test_the_old_form_ends_with_its_years() -> None:
    assert parse_case_number("（2015）海民初字第9000006号").text == "（2015）海民初字第9000006号"
    with pytest.raises(RuleError) as caught:
        parse_case_number("（2016）海民初字第9000006号")
    assert caught.value.rule == "case-number.year"


@pytest.mark.parametrize(
    ("text", "judgment", "enforcement"),
    [
        ("（2024）军0101民初9000001号", True, False),
        ("（2024）京0105刑初9000001号", True, False),
        ("（2024）京01刑终9000001号", True, False),
        ("（2024）京01破9000001号", True, False),
        ("（2014）浙杭商终字第9000001号", True, False),
        ("（2014）朝执字第9000001号", False, True),
        ("（2024）京0105执恢9000001号", False, True),
        *(
            (f"（2025）京0105{kind}9000001号", False, False)
            for kind in ["民辖", "民辖终", "民申", "民监", "民保", "破申", "执异", "执复", "执保", "执监", "执协"]
        ),
    ],
)
def test_a_case_stands_for_what_it_decides(text: str, judgment: bool, enforcement: bool) -> None:  # noqa: FBT001 - columns of a table
    number = parse_case_number(text)
    for check, fits in ((check_judgment_number, judgment), (check_enforcement_number, enforcement)):
        if fits:
            check(number, 2025)
        else:
            with pytest.raises(RuleError) as caught:
                check(number, 2025)
            assert caught.value.got == f"a case of the type {number.type_code}"


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("京0115民初12345号", "year"),
        ("(2023)京0115民初12345", "号"),
        ("(2023)蒙0102民初1号", "court"),
        ("(2023)京0115测1号", "type"),
        ("(2023)京0115民初0号", "running number"),
    ],
)
def test_what_is_wrong_with_a_number_is_told(text: str, got: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_case_number(text)
    assert got in caught.value.got


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("(2024)京仲裁字第9000001号", "（2024）京仲裁字第9000001号"),
        ("〔2024〕中国贸仲京裁字第9000001号", "（2024）中国贸仲京裁字第9000001号"),
        ("深国仲裁〔2024〕9000001号", "深国仲裁（2024）9000001号"),
        ("（2024）京方圆执证字第9000001号", "（2024）京方圆执证字第9000001号"),
    ],
)
def test_awards_and_notarised_instruments_are_known_by_their_numbers(text: str, canonical: str) -> None:
    assert is_instrument(text)
    assert canonical_instrument(text) == canonical == canonical_instrument(canonical)


@pytest.mark.parametrize(
    "text", ["（2014）朝执字第9000001号", "（2024）京0105民初9000001号", "（2014）朝民初字第9000001号", "", "第1号"]
)
def test_a_number_of_a_court_is_no_instrument(text: str) -> None:
    assert not is_instrument(text)
