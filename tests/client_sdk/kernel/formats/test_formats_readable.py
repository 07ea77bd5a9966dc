"""One rule says which texts are read as they were written, the same under every Python."""

from __future__ import annotations

import pytest

from client_sdk.kernel.formats.act import Enrolment
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.readable import flaw_of
from client_sdk.kernel.formats.words import KeyUsage, Role
from tests.support.assigned_codes import assigned_codes
from tests.support.handmade_log import HandmadeLog
from tests.support.naive_acts import readable


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("two\nlines", "text.characters"),
        ("two\u2028lines", "text.characters"),
        ("two\u2029lines", "text.characters"),
        ("bell\a", "text.characters"),
        ("\ud800", "text.characters"),
        ("First \U0001fae8 Bank", "text.assigned"),
        ("名\U000323b0", "text.assigned"),
        ("First \ufffd", "text.decoded"),
        ("\u202eknaB", "text.direction"),
        ("Bank\ufe0f", "text.shapeless"),
        ("Ba\u200bnk", "text.shapeless"),
        ("\u3000 ", "text.visible"),
        ("Bank\ufffc", "text.shapeless"),
        ("\U0001d159", "text.shapeless"),
        ("Bank\U00016fe4", "text.shapeless"),
        ("甲\ue000", "text.private"),
        ("\U000f0000", "text.private"),
        ("\U0010fffdx", "text.private"),
        ("Z" + "\u0336" * 9, "text.marks"),
        ("a" + "\u0489\u20dd\u0903" * 3 + "b", "text.marks"),
        ("e\u0301", "text.nfc"),
    ],
)
def test_a_text_that_others_may_read_differently_has_a_flaw(text: str, rule: str) -> None:
    flaw = flaw_of(text)
    assert flaw is not None
    assert flaw.rule == rule
    assert flaw.got
    assert flaw.want
    assert text not in flaw.got


@pytest.mark.parametrize(
    "text",
    [
        "",
        "First Lender",
        "第一\u3000银行",
        "Crédit\u00a0Mutuel",
        "渡\u8fba\U000e0101",
        "ཧྐྵྨླྺྼྻྂ",
        "ผู้ให้กู้",
        "Z" + "\u0336" * 8 + "o",
    ],
)
def test_any_other_text_has_none(text: str) -> None:
    assert flaw_of(text) is None


@pytest.mark.parametrize("frame", ["a{0}b", "{0}"])
def test_the_text_of_the_formats_says_the_same(frame: str) -> None:
    """``readable`` is written from proto/README.md 1 alone, where NFC and control characters are for all texts."""
    for code in assigned_codes(every=61):
        text = frame.format(chr(code))
        flaw = flaw_of(text)
        if flaw is None or flaw.rule != "text.nfc":
            control = code < 0x20 or 0x7F <= code < 0xA0
            assert (flaw is None) == (readable(text) and not control), f"U+{code:04X}"


@pytest.mark.parametrize("field", ["name", "licence_number"])
@pytest.mark.parametrize(
    "text", ["First\u2028Lender", "First\u2029Lender", "First\ufe0fLender", "\u2800", "First\ufffd"]
)
def test_an_enrolment_names_the_field_that_cannot_be_read(field: str, text: str) -> None:
    message = HandmadeLog().enrolment("lender-4", (Role.LENDER,), KeyUsage.REPORT).message()
    setattr(message, field, text)
    with pytest.raises(FormatError) as refused:
        Enrolment.of(message)
    assert refused.value.rule == "enrolment.name"
    assert refused.value.got.startswith(f"{field}: ")
