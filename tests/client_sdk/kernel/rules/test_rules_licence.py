"""Forms of licence numbers by jurisdiction: what is taken, and what is refused."""

from __future__ import annotations

import pytest

from client_sdk.kernel.formats.jurisdiction import JURISDICTIONS, jurisdiction
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.licence import LICENCE_FORMS, check_licence, licence_fits
from tests.support.naive_acts import licensed

FORMS = {
    "cn": (
        *("91110000600037341L", "91310000MA00000012", "92110115MA000000AA", "N2110115MF0000003H"),
        *("B0003H211000001", "L1234B500000001"),
    ),
    "uk": ("213800KUD8LAJWSQ9D15", "000000TESTLENDER0020", "122702", "9876543", "00445790", "SC095000"),
}
OTHERS = (
    *("", "L-1", "licence of lender-1", "91110000600037341M", "91110000600037341l", "9111000060003734", "12345"),
    *(" 91110000600037341L", "91110000600037341L ", "91000000600037341L", "B0003H21100000"),
    *("B0003H2110000012", "b0003H211000001", "213800KUD8LXJWSQ9D15", "0044579O", "12345678901", "110105180001010010"),
)


@pytest.mark.parametrize("name", JURISDICTIONS)
def test_what_has_a_form_of_its_jurisdiction_is_taken_there_alone(name: str) -> None:
    for of, numbers in FORMS.items():
        for number in numbers:
            assert licence_fits(number, name) is (of == name), number
            assert licensed(number, name) is (of == name), number
    for number in OTHERS:
        assert not licence_fits(number, name), number
        assert not licensed(number, name), number


def test_a_refusal_names_the_forms() -> None:
    with pytest.raises(RuleError, match="unified social credit code") as refused:
        check_licence("L-1", "cn")
    assert (refused.value.reason, refused.value.rule, refused.value.got) == ("ENROLMENT_INVALID", "licence.form", "L-1")


def test_every_form_that_a_jurisdiction_names_is_known() -> None:
    named = {form for name in JURISDICTIONS for form in jurisdiction(name).licence_forms}
    assert named == set(LICENCE_FORMS)
