"""Free texts: data that may not be collected, and identity numbers where nobody is to be named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from client_sdk.kernel.formats.act import Act, ErasureBody
from client_sdk.kernel.formats.check_digits import holds_resident_number
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.statement import RecordKey, check_code, check_reason_code
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.rules.check import check_facts
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.forbidden import check_not_forbidden
from tests.client_sdk.kernel.rules.facts_samples import JUDGMENT
from tests.support.handmade_log import record_id

# Of the standard's own example, and of somebody born in 1800.
NUMBERS = ["11010519491231002X", "110105180001010010"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("血型A", "blood group"),
        ("Blood type A", "blood group"),
        ("信教", "religion"),
        ("he is a Muslim", "religion"),
        ("指纹已采集", "fingerprints"),
        ("ＤＮＡ sample", "genes"),
        ("确诊乙肝", "illness"),
        ("was diagnosed with DIABETES", "illness"),
    ],
)
def test_what_may_not_be_collected_is_refused_without_repeating_it(text: str, kind: str) -> None:
    with pytest.raises(RuleError) as refused:
        check_not_forbidden(text, "facts.cause")
    assert (refused.value.rule, refused.value.got) == ("C04", f"a word about {kind}")
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "金融借款合同纠纷",
        "医疗损害责任纠纷",
        "保险合同纠纷",
        "I was in hospital",
        "the general manager",
        "aided by a friend",
    ],
)
def test_what_suits_are_about_is_not_refused(text: str) -> None:
    check_not_forbidden(text, "facts.cause")


@pytest.mark.parametrize("number", NUMBERS)
def test_an_identity_number_is_found_in_short_texts_codes_and_grounds(number: str) -> None:
    for field in ("cause", "batch_reference", "approver"):
        facts = replace(JUDGMENT, **{field: f"no. {number[:6]} {number[6:]}"})  # type: ignore[arg-type]  # by name
        with pytest.raises(RuleError) as refused:
            check_facts(Kind.JUDGMENT, Standing.OPEN, facts)
        assert (refused.value.field, refused.value.rule) == (f"facts.{field}", "text.number")
        assert number not in str(refused.value)
    with pytest.raises(FormatError, match=r"code\.number"):
        check_code(f"id-{number}", "annotation")
    with pytest.raises(FormatError, match=r"ground\.number"):
        erased_for(f"for {number}")


def erased_for(ground: str) -> Act:
    """An act that erases a record, as it is read."""
    body = ErasureBody((RecordKey("lender-1", record_id("debt")),), ground)
    return Act.parse(Act("registry", 1, bytes(32), body).encode())


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("110105491231002", id="of 15 digits"),
        pytest.param("110105194912310020", id="a wrong check character"),
        pytest.param("1101.0519.4912.31", id="in groups"),
        pytest.param("E12345678", id="a passport"),
        pytest.param("13800138000", id="a telephone"),
        pytest.param("6222021234567890123", id="a card"),
    ],
)
def test_a_reason_stands_in_the_log_for_good_and_names_nobody(number: str) -> None:
    with pytest.raises(FormatError, match=r"code\.digits") as refused:
        check_reason_code(number, "annotation")
    assert number not in str(refused.value)


@pytest.mark.parametrize("code", ["", "paid-in-time", "one-off-repair-2026", "C07.5"])
def test_a_reason_of_words_and_a_year_is_one(code: str) -> None:
    assert check_reason_code(code, "annotation") == code


@pytest.mark.parametrize(
    ("ground", "rule"),
    [
        ("of 110105491231002", "ground.number"),
        ("of 1101 0519 4912 3100 20", "ground.number"),
        ("card 6222-0212-3456-7890-123", "ground.number"),
        ("身份证一一〇一〇五四九一二三一〇〇二", "ground.number"),
        ("①①⓪①⓪⑤④⑨①②③①⓪⓪②", "ground.number"),
        ("壹壹零壹零伍 肆玖壹贰叁壹 零零贰", "ground.number"),
        ("甲\ue000", "ground.characters"),
        ("Z" + "\u0336" * 9 + "o", "ground.characters"),
        ("", "erasure.ground"),
        (" ", "erasure.ground"),
        ("\u200b", "erasure.ground"),
        ("paid \u202enot", "ground.characters"),
        ("paid\ufe0f", "ground.characters"),
        ("合并\u034f", "ground.characters"),
        ("merged\u2028and more", "ground.characters"),
        ("merged\u2029and more", "ground.characters"),
    ],
)
def test_the_ground_of_an_act_can_be_read_and_names_nobody(ground: str, rule: str) -> None:
    with pytest.raises(FormatError) as refused:
        erased_for(ground)
    assert refused.value.rule == rule


@pytest.mark.parametrize(
    "ground",
    [
        "（2026）京0115民初1234567号",
        "order of 2026-03-01, 1,250,000.00 CNY",
        "合并",
        "二〇二六年一月五日，第一千二百三十四号",
    ],
)
def test_a_ground_names_courts_days_and_sums(ground: str) -> None:
    assert isinstance(erased_for(ground).body, ErasureBody)


@pytest.mark.parametrize("text", ["110105194912310020", "2026010112345678901234", "110105194913310029", "(2026) 7"])
def test_other_numbers_are_none(text: str) -> None:
    assert not holds_resident_number(text)
