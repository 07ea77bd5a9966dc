"""Free texts: data that may not be collected, and identity numbers where nobody is to be named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from client_sdk.kernel.formats.act import Act, ErasureBody
from client_sdk.kernel.formats.check_digits import holds_resident_number
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.statement import RecordKey, check_code
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
    act = Act("registry", 1, bytes(32), ErasureBody((RecordKey("lender-1", record_id("debt")),), f"for {number}"))
    with pytest.raises(FormatError, match=r"ground\.number"):
        Act.parse(act.encode())


@pytest.mark.parametrize("text", ["110105194912310020", "2026010112345678901234", "110105194913310029", "(2026) 7"])
def test_other_numbers_are_none(text: str) -> None:
    assert not holds_resident_number(text)
