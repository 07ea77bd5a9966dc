"""Identity numbers: every vector, what people type, and bytes that never change."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.check_digits import lei_fits, resident_check_digit, uscc_fits
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.subjects.countries import COUNTRIES, NATIONALITIES
from client_sdk.kernel.subjects.errors import IdentityError
from client_sdk.kernel.subjects.identifiers import Identity, IdType

ROOT = Path(__file__).parents[3] / "vectors"
VECTORS = json.loads((ROOT / "domain/identifiers.json").read_text(encoding="utf-8"))["vectors"]
GOLDEN = json.loads((ROOT / "golden/subjects.json").read_text(encoding="utf-8"))
TYPES = {"cn-resident-id": IdType.CN_RESIDENT_ID, "uscc": IdType.CN_USCC, "lei": IdType.LEI}
RULES = {"invalid-checksum": "identity.checksum", "invalid-date": "identity.date"}
# The example that the standard prints.
EXAMPLE = "11010519491231002X"


def refusal(id_type: IdType, number: str, state: str = "CN") -> IdentityError:
    with pytest.raises(IdentityError) as caught:
        Identity.parse(id_type, number, state)
    return caught.value


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["value"])
def test_vectors(vector: dict[str, Any]) -> None:
    id_type = TYPES[vector["kind"]]
    if vector["expect"] == "valid":
        assert Identity.parse(id_type, vector["value"]).number == vector.get("canonical", vector["value"])
    else:
        assert refusal(id_type, vector["value"]).rule == RULES[vector["expect"]]


@pytest.mark.parametrize(
    "typed",
    [
        "11010519491231002x",
        " 110105 1949-1231 002X\n",
        "110105\u00a019491231\u3000002X",
        "110105\u200b19491231\ufeff002X",
        "110105–19491231—002X",
        "１１０１０５１９４９１２３１００２Ｘ",
        "11010519491231002Ⅹ",
        "110105491231002",
        "110105 491231 002",
    ],
)
def test_what_people_type_is_the_same_number(typed: str) -> None:
    assert Identity.parse(IdType.CN_RESIDENT_ID, typed).number == EXAMPLE


@pytest.mark.parametrize(
    ("typed", "rule"),
    [
        ("", "identity.characters"),
        ("11010519491231002", "identity.form"),
        ("1101051949123100", "identity.form"),
        ("11010519491231002XX", "identity.form"),
        ("1101051949123100X2", "identity.form"),
        ("11010519491231002Х", "identity.characters"),  # Cyrillic
        ("11010519491231002Χ", "identity.characters"),  # Greek
        ("11010519491231002×", "identity.characters"),
        ("١١٠١٠٥19491231002X", "identity.characters"),  # Arabic-Indic digits
        ("11010519491231002X" + " " * 50, "identity.length"),
        ("110105491231996", "identity.centenarian"),
        ("110105490231002", "identity.date"),
        ("11010519491231002O", "identity.form"),
        ("110105.19491231.002X", "identity.characters"),
    ],
)
def test_what_could_be_another_number_is_refused(typed: str, rule: str) -> None:
    error = refusal(IdType.CN_RESIDENT_ID, typed)
    assert error.rule == rule
    assert "110105" not in str(error)
    assert "1949" not in str(error)


@pytest.mark.parametrize("position", range(17))
def test_every_wrong_digit_and_every_swap_is_seen(position: int) -> None:
    for digit in set("0123456789") - {EXAMPLE[position]}:
        changed = EXAMPLE[:position] + digit + EXAMPLE[position + 1 :]
        assert refusal(IdType.CN_RESIDENT_ID, changed).rule in {"identity.checksum", "identity.order"}
    left, right = EXAMPLE[position], EXAMPLE[position + 1]
    if right not in {left, "X"}:
        swapped = EXAMPLE[:position] + right + left + EXAMPLE[position + 2 :]
        assert refusal(IdType.CN_RESIDENT_ID, swapped).rule in {"identity.checksum", "identity.order"}


@pytest.mark.parametrize(
    ("id_type", "typed", "state", "number"),
    [
        (IdType.PASSPORT, "e 1234-5678", "CN", "E12345678"),
        (IdType.PASSPORT, "ａｂ１２３４５６", "DE", "AB123456"),
        (IdType.CN_PERMIT, "h 1234 5678", "CN", "H12345678"),
        (IdType.CN_PERMIT, "m 1234 5678 00", "CN", "M12345678"),
        (IdType.CN_PERMIT, "1234567890(b)", "CN", "1234567890B"),
        (IdType.CN_PERMIT, "１２３４５６７８９０（Ｂ）", "CN", "1234567890B"),
        (IdType.CN_PERMIT, "12345678", "CN", "12345678"),
        (IdType.PASSPORT, "e 1234-5678", "gb ", "E12345678"),
        (IdType.CN_FOREIGNER_PERMIT, "fin 3100 810802 01", "", "FIN310081080201"),
        (IdType.CN_FOREIGNER_PERMIT, "USA110000022901", "CN", "USA110000022901"),
        (IdType.CN_USCC, "n2110115mf0000003h", "CN", "N2110115MF0000003H"),
        (IdType.LEI, "213800-kud8lajwsq9d15", "CN", "213800KUD8LAJWSQ9D15"),
    ],
)
def test_other_types(id_type: IdType, typed: str, state: str, number: str) -> None:
    identity = Identity.parse(id_type, typed, state)
    assert (identity.number, identity.birth_date) == (number, None)
    assert not identity.is_minor(date(2025, 1, 1))


@pytest.mark.parametrize(
    ("id_type", "number", "state", "rule"),
    [
        (IdType.PASSPORT, "E1234", "UK", "identity.state"),
        (IdType.PASSPORT, "UNKNOWN", "US", "identity.placeholder"),
        (IdType.PASSPORT, "000000", "US", "identity.placeholder"),
        (IdType.PASSPORT, "E00000000", "US", "identity.placeholder"),
        (IdType.PASSPORT, "AAAAAAAA", "US", "identity.placeholder"),
        (IdType.PASSPORT, "11111111", "US", "identity.placeholder"),
        (IdType.CN_PERMIT, "H0000000000", "CN", "identity.placeholder"),
        (IdType.CN_USCC, "0" * 18, "CN", "identity.placeholder"),
        (IdType.LEI, "0" * 18 + "01", "CN", "identity.form"),
        (IdType.CN_RESIDENT_ID, "000000194912310025", "CN", "identity.region"),
        (IdType.CN_RESIDENT_ID, "110105180001010002", "CN", "identity.order"),
        (IdType.CN_RESIDENT_ID, "110105491231000", "CN", "identity.order"),
        (IdType.PASSPORT, EXAMPLE, "CN", "identity.type"),
        (IdType.PASSPORT, "110105194912310021", "US", "identity.type"),
        (IdType.PASSPORT, "110105491231002", "CN", "identity.type"),
        (IdType.PASSPORT, "91110000MA0000000H", "CN", "identity.type"),
        (IdType.PASSPORT, "213800KUD8LAJWSQ9D15", "GB", "identity.type"),
        (IdType.PASSPORT, "FIN310081080201", "FI", "identity.type"),
        (IdType.CN_RESIDENT_ID, "91110000MA0000000H", "CN", "identity.type"),
        (IdType.CN_USCC, EXAMPLE, "CN", "identity.type"),
        (IdType.CN_FOREIGNER_PERMIT, "USA110000990101", "CN", "identity.date"),
        (IdType.CN_FOREIGNER_PERMIT, "USA110001022901", "CN", "identity.date"),
        (IdType.CN_FOREIGNER_PERMIT, "ZZZ110081080201", "CN", "identity.nationality"),
        (IdType.PASSPORT, "E12345", "", "identity.state"),
        (IdType.PASSPORT, "E123", "CN", "identity.form"),
        (IdType.CN_PERMIT, "H12345678", "HK", "identity.state"),
        (IdType.CN_PERMIT, "H1234567", "CN", "identity.form"),
        (IdType.CN_PERMIT, "M123456789", "CN", "identity.form"),
        (IdType.CN_PERMIT, "H12345678901", "CN", "identity.form"),
        (IdType.CN_PERMIT, "0000000001(BC)", "CN", "identity.characters"),
        (IdType.PASSPORT, "0000000001(B)", "DE", "identity.characters"),
        (IdType.CN_RESIDENT_ID, EXAMPLE, "TW", "identity.state"),
        (IdType.CN_FOREIGNER_PERMIT, "AB1234567890123", "CN", "identity.form"),
        (IdType.CN_USCC, "91110000MA0000000I", "CN", "identity.form"),
        (IdType.CN_USCC, "911100A0MA0000000H", "CN", "identity.form"),
        (IdType.LEI, "213800KUD8LAJWSQ9DA5", "CN", "identity.form"),
        (IdType.LEI, "213800KUD8LAJWSQ9D1", "CN", "identity.form"),
    ],
)
def test_other_types_refuse(id_type: IdType, number: str, state: str, rule: str) -> None:
    assert refusal(id_type, number, state).rule == rule


@given(st.sampled_from("HM"), st.integers(1, 10**8 - 1), st.integers(0, 99))
def test_a_permit_of_hong_kong_or_macao_is_its_holder_s_however_often_it_is_renewed(
    letter: str, holder: int, renewals: int
) -> None:
    for_life = f"{letter}{holder:08}"
    assert Identity.parse(IdType.CN_PERMIT, f"{for_life}{renewals:02}") == Identity.parse(IdType.CN_PERMIT, for_life)


@given(st.sampled_from(IdType), st.text(max_size=70), st.sampled_from(("CN", "DE", "UK", "")))
def test_any_text_gives_an_identity_or_one_typed_error(id_type: IdType, typed: str, state: str) -> None:
    try:
        identity = Identity.parse(id_type, typed, state)
    except IdentityError:
        return
    assert Identity.parse(id_type, identity.number, state) == identity
    assert identity.number.isascii()
    assert any(char.isdigit() and char != "0" for char in identity.number)


@given(st.dates(date(1900, 1, 1), date(1999, 12, 31)), st.integers(1, 995), st.integers(110000, 659999))
def test_fifteen_digits_are_the_same_person(born: date, sequence: int, region: int) -> None:
    body = f"{region}{born:%Y%m%d}{sequence:03}"
    long = body + resident_check_digit(body)
    short = f"{region}{born:%y%m%d}{sequence:03}"
    identity = Identity.parse(IdType.CN_RESIDENT_ID, short)
    assert identity == Identity.parse(IdType.CN_RESIDENT_ID, long)
    assert identity.birth_date == born
    assert identity.voprf_input().endswith(b"\0\0\0\x12" + long.encode())


def test_nobody_is_born_in_the_future() -> None:
    body = "11010520250102001"
    number = body + resident_check_digit(body)
    assert Identity.parse(IdType.CN_RESIDENT_ID, number, today=date(2025, 1, 2)).is_minor(date(2043, 1, 1))
    assert not Identity.parse(IdType.CN_RESIDENT_ID, number).is_minor(date(2043, 1, 2))
    with pytest.raises(IdentityError) as caught:
        Identity.parse(IdType.CN_RESIDENT_ID, number, today=date(2025, 1, 1))
    assert caught.value.rule == "identity.birth-date"


def test_an_identity_shows_nothing() -> None:
    identity = Identity.parse(IdType.CN_RESIDENT_ID, EXAMPLE)
    assert repr(identity) == str(identity) == f"{identity}" == "Identity(CN_RESIDENT_ID)"


@pytest.mark.parametrize("vector", GOLDEN["voprf_input"], ids=lambda vector: vector["typed"])
def test_golden_input_of_the_key_services(vector: dict[str, str]) -> None:
    identity = Identity.parse(IdType(vector["id_type"]), vector["typed"], vector["issuing_state"])
    assert identity.voprf_input().hex() == vector["input"]


def test_no_two_identities_share_an_input() -> None:
    inputs = {
        Identity.parse(IdType.PASSPORT, "AB12345678", "DE").voprf_input(),
        Identity.parse(IdType.PASSPORT, "AB12345678", "CN").voprf_input(),
        Identity.parse(IdType.CN_PERMIT, "AB12345678").voprf_input(),
        Identity.parse(IdType.PASSPORT, "AB1234567", "CN").voprf_input(),
    }
    assert len(inputs) == 4


def test_enterprises_are_told_from_persons() -> None:
    enterprises = {id_type for id_type in IdType if Identity(id_type, "", "").is_enterprise}
    assert enterprises == {IdType.CN_USCC, IdType.LEI}


def test_a_type_that_fits_is_taken_though_another_fits_too() -> None:
    both = [number for number in map(resident, range(1, 999)) if uscc_fits(number)]
    assert both
    for number in both:
        assert Identity.parse(IdType.CN_RESIDENT_ID, number).number == number
        assert refusal(IdType.PASSPORT, number).got == "a number of the type CN_RESIDENT_ID"


def resident(order: int) -> str:
    body = f"11010519491231{order:03}"
    return body + resident_check_digit(body)


def test_every_country_has_its_capitals() -> None:
    assert len(COUNTRIES) == len(NATIONALITIES) == 249
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in NATIONALITIES)
    assert all(len(code) == 2 and code.isascii() and code.isupper() for code in COUNTRIES)


@given(st.text(max_size=22))
def test_check_characters_answer_for_any_text(text: str) -> None:
    for fits in (uscc_fits, lei_fits):
        assert fits(text) in {None, True, False}


def test_an_identity_error_is_a_format_error() -> None:
    assert issubclass(IdentityError, FormatError)
