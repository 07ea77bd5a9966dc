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

from client_sdk.rules.case_number import (
    CaseNumber,
    check_enforcement_number,
    check_judgment_number,
    parse_case_number,
)
from client_sdk.rules.codes.case_types import CASE_TYPES
from client_sdk.rules.codes.courts import COURTS_WITHOUT_COUNTY, PROVINCES, county_of
from client_sdk.rules.errors import RuleError, RuleReason

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/domain/case-numbers.json").read_text(encoding="utf-8"))
PATTERN = re.compile(VECTORS["pattern"])
COUNTIES = VECTORS["court_code_to_county"]


@pytest.mark.parametrize("case", [case for case in VECTORS["cases"] if case["valid"]], ids=lambda case: case["why"])
def test_a_valid_number_is_read_in_its_parts(case: dict[str, Any]) -> None:
    number = parse_case_number(case["input"])
    parts = (number.year, number.court, number.court_level, number.type_code, number.seq, number.suffix, number.text)
    wanted = ("year", "court", "court_level", "type", "seq", "suffix", "canonical")
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
        number = parse_case_number(case["case_no"], legacy=case.get("legacy", False))
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
        assert valid
        assert parse_case_number(number.text) == number


def test_the_old_form_ends_with_its_years() -> None:
    assert parse_case_number("（2015）海民初字第9000006号", legacy=True).text == "（2015）海民初字第9000006号"
    with pytest.raises(RuleError):
        parse_case_number("（2016）海民初字第9000006号", legacy=True)
