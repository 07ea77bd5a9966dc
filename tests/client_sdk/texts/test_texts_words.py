"""Words of command and desk: one Chinese word for one thing, and what is found and wanted in Chinese too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from client_sdk.acts import BreachedData, BreachNature, StateBody
from client_sdk.cli.verbs.act.rendering_members import member_rows
from client_sdk.lending.kind_of_text import kind_of_text
from client_sdk.models import InstitutionStatus, Kind
from client_sdk.subject_report.terms import term_of
from client_sdk.texts.language import Language
from client_sdk.texts.recognised import recognised_in

CATALOGUES = [Path("client_sdk/texts/locales/zh.po"), Path("client_sdk/desk/locales/zh.po")]
# The word of the README's table, and words for the same that a reader would take for another thing.
WORDS = {
    "条目": ["叶子"],
    "见证人": ["见证方"],
    "审计方": ["审计机构"],
    "规则": ["规则手册"],
    "隐藏规则": ["特殊政策"],
    "门槛": ["门限"],
    "联署": ["共同签名"],
    "重建核验": ["重放"],
    "批量文件": ["组合文件", "组合报送"],
    "对等共享": ["互惠"],
    "复核": ["审批人"],
    "原债权人": ["原放款机构"],
    "操作日志": ["工作日志"],
    "长期未更新": ["陈旧"],
}


@pytest.mark.parametrize(("word", "others"), WORDS.items())
def test_a_thing_has_one_chinese_word(word: str, others: list[str]) -> None:
    said = [Path("README.zh.md").read_text(encoding="utf-8")]
    for catalogue in CATALOGUES:
        with catalogue.open("rb") as file:
            said += [str(message.string) for message in read_po(file) if message.id]
    assert any(word in text for text in said)
    assert not [text for text in said if any(other in text for other in others)]


def test_no_sign_of_another_script_stands_between_chinese_words() -> None:
    wrong = re.compile(r"[\u3400-\u9fff][,:;.()!?] ?[\u3400-\u9fff]|[\u3400-\u9fff][,:;.](?: |$)")
    found = []
    for catalogue in CATALOGUES:
        with catalogue.open("rb") as file:
            found += [text for message in read_po(file) if message.id and wrong.search(text := str(message.string))]
    # HOST:PORT and CHANNEL:COUNT are typed so.
    assert [text for text in found if "主机:端口" not in text and "渠道:次数" not in text] == []
    for text in ("05/01/2026", "a b\u200b", "12 3-4", "王 x", "x,y"):
        assert not wrong.search(recognised_in(Language.CHINESE, kind_of_text(text)))


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "a b\u200b", "１２", "12 3-4", "#N/A", "nan", "1E5", "-5", "1,000", "x,y"]
)
def test_kinds_of_texts_are_said_in_chinese(text: str) -> None:
    assert not re.search(r"[A-Za-z]{2}", recognised_in(Language.CHINESE, kind_of_text(text)))


def test_what_a_breach_is_of_is_said_in_chinese() -> None:
    for word in (*BreachNature, *BreachedData):
        assert re.search(r"[\u4e00-\u9fff]", term_of(word).of(Language.CHINESE))


@pytest.mark.parametrize(
    "text",
    [
        "GB18030 with commas",
        "18 digits",
        "10 characters: digits, '/'",
        "a number in scientific notation",
        "a whole number of minor units, without separators: 350.00 CNY is 35000, 350 JPY is 350",
        "1 character: letters",
        "1 digit",
        "18 characters of GB 11643, or 15 digits",
        "5 to 20 letters and digits",
        "32 d 14 h after the submission",
        "at least 24 hours before",
        "an earlier version of this record, row 6, to be accepted",
        "an ISO 4217 code in use",
        "64 hexadecimal digits",
        "one of DEFAULT, JUDGMENT",
        "DEFAULT, JUDGMENT or ENFORCEMENT",
        "a value",
        "a record of the log",
        "an id not used yet",
        "an identity number",
        "no identity or account number; a word or a comma between two dates or other numbers",
    ],
)
def test_what_a_row_holds_and_should_hold_is_said_in_chinese(text: str) -> None:
    said = recognised_in(Language.CHINESE, text)
    assert re.search(r"[\u4e00-\u9fff]", said)
    assert not re.search(r"characters|commas|row|accepted|code|hexadecimal|one of|\bor\b|number", said)


def test_the_records_of_a_member_are_told_by_what_it_becomes() -> None:
    told = {status: dict(member_rows(StateBody("lender-1", status)))["its records"] for status in InstitutionStatus}
    assert len(set(told.values())) == len(told)
    assert "correct and end" in str(told[InstitutionStatus.SUSPENDED])


def test_codes_to_choose_from_are_joined_in_chinese() -> None:
    found = recognised_in(Language.CHINESE, " or ".join(Kind.__members__))
    assert found == "DEFAULT 或 JUDGMENT 或 ENFORCEMENT 或 LISTING"
    assert recognised_in(Language.CHINESE, "DEFAULT") == "DEFAULT"
