"""Digits of every script and form are found, the same under every Python."""

from __future__ import annotations

import unicodedata

import pytest

from client_sdk.kernel.formats.check_digits import holds_resident_number
from client_sdk.kernel.formats.digits import plain_digits
from client_sdk.kernel.formats.lasting_text import holds_long_number
from tests.support.assigned_codes import assigned_codes
from tests.support.naive_acts import longest_number

NUMBER = "11010519491231002X"
# The same digits in other forms, from 0 to 9.
FORMS = (
    "０１２３４５６７８９",
    "٠١٢٣٤٥٦٧٨٩",
    "⓪①②③④⑤⑥⑦⑧⑨",
    "⓿❶❷❸❹❺❻❼❽❾",
    "〇一二三四五六七八九",
    "零壹贰叁肆伍陆柒捌玖",
    "〇〡〢〣〤〥〦〧〨〩",
    "⁰¹²³⁴⁵⁶⁷⁸⁹",
    "𝟘𝟙𝟚𝟛𝟜𝟝𝟞𝟟𝟠𝟡",
    "0⓵⓶⓷⓸⓹⓺⓻⓼⓽",
    "零幺两三四五六七八九",
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("between", ["", " ", "-"])
def test_a_resident_number_is_found_in_every_form(form: str, between: str) -> None:
    written = between.join(NUMBER).translate(dict(zip(map(ord, "0123456789"), form, strict=True)))
    assert plain_digits(written) == between.join(NUMBER)
    for text in (written, f"合同{written}号", written.replace("X", "Ｘ")):
        assert holds_resident_number(text)
        assert holds_long_number(text)


@pytest.mark.parametrize(
    "text", ["", "张三", "第一千二百三十四号", "二〇二六年一月五日", "三一重工股份有限公司", "Lender 1"]
)
def test_words_with_numerals_hold_none(text: str) -> None:
    assert not holds_resident_number(text)
    assert not holds_long_number(text)


def test_the_text_of_the_formats_says_the_same_of_each_character() -> None:
    """``longest_number`` is written from proto/README.md 1 alone."""
    for code in assigned_codes():
        char = chr(code)
        assert holds_long_number(char * 15) == (longest_number(char * 15) >= 15), f"U+{code:04X}"


def test_what_unicode_calls_a_digit_is_one_of_its_value() -> None:
    for code in assigned_codes():
        value = unicodedata.digit(unicodedata.normalize("NFKC", chr(code))[:1], None)
        if value is not None:
            assert plain_digits(chr(code))[0] == str(value), f"U+{code:04X}"
