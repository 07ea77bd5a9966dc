"""Texts of the desk: each message id has its Chinese, with the same places for values; who decides the language."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.desk.texts import Language, preferred, say_in
from client_sdk.kernel.ledger.rulebook_preview import EFFECTS, UNCOUNTED

if TYPE_CHECKING:
    from collections.abc import Iterator

DESK = Path("client_sdk/desk")
_PLACE = re.compile(r"{(\w*)}")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Tables of the SDK whose texts the desk says.
SAID_OF_THE_SDK = {*EFFECTS.values(), *UNCOUNTED.values()}
# Outside of tags and expressions of the templates: the name of a language, and attributes that a macro writes.
ATTRIBUTES = {"English", "Excel", "CSV", "aria", "describedby", "invalid", "true"}


def message_ids() -> set[str]:
    """Every text that a page or a template says; those within an f-string too, where Babel does not look."""
    methods = [("**.py", "python"), ("templates/**.j2", "jinja2.ext:babel_extract")]
    found = extract_from_dir(DESK, methods, keywords={"say": None, "_say": None, "N_": None, "counted": (2, 3)})
    within = {text for path in DESK.rglob("*.py") for text in _said_within_texts(path)}
    return {_id(message) for _, _, message, _, _ in found} | within | SAID_OF_THE_SDK


def _said_within_texts(path: Path) -> Iterator[str]:
    """What ``say`` is called with in the f-strings of a module."""
    for text in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for call in ast.walk(text) if isinstance(text, ast.JoinedStr) else ():
            match call:
                case ast.Call(func=ast.Attribute(attr="say" | "_say") | ast.Name(id="say"), args=[ast.Constant(value)]):
                    yield str(value)
                case _:
                    continue


def catalogue() -> dict[str, str]:
    with (DESK / "locales" / "zh.po").open("rb") as file:
        return {_id(message.id): _id(message.string) for message in read_po(file) if message.id and not message.fuzzy}


def _id(message: object) -> str:
    """The text of a message; of one for a number of things, which Chinese has one form for, that for several."""
    return str(message[-1] if isinstance(message, tuple | list) else message)


def test_each_message_id_has_its_chinese_and_no_other_is_left() -> None:
    assert len(message_ids()) > 200
    assert set(catalogue()) == message_ids()


def test_each_translation_is_chinese_with_the_same_places() -> None:
    for english, chinese in catalogue().items():
        assert sorted(_PLACE.findall(english)) == sorted(_PLACE.findall(chinese)), english
        assert _CHINESE.search(chinese) or not re.search(r"[A-Za-z]", _PLACE.sub("", english))


def test_a_number_before_things_has_a_text_for_one() -> None:
    """Where one and several read otherwise, ``counted`` says both; a log has two leaves at least."""
    counts = "count|rows|done|total|waiting|lenders|members|minutes|hours|days|persons|reached|levels|records|left|more"
    several = re.compile(rf"{{(?:{counts})}} (?:\w+ )?(?!leaves)[a-z]+[^s]s\b")
    with (DESK / "locales" / "zh.po").open("rb") as file:
        plain = [message.id for message in read_po(file) if message.id and isinstance(message.id, str)]
    assert not [text for text in plain if several.search(text)]


def test_one_is_one_and_two_are_several() -> None:
    one, many = "Sign and send {count} row", "Sign and send {count} rows"
    assert [say_in(Language.ENGLISH).counted(count, one, many) for count in (1, 2, 1_000)] == [
        *("Sign and send 1 row", "Sign and send 2 rows", "Sign and send 1,000 rows")
    ]
    assert say_in(Language.CHINESE).counted(1, one, many) == "签名并发送 1 行"


def test_no_page_holds_a_text_that_is_not_said() -> None:
    for template in (DESK / "templates").glob("*.j2"):
        bare = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}|<[^>]*>", " ", template.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not set(re.findall(r"[A-Za-z]{2,}", bare)) - ATTRIBUTES, template


def test_each_table_scrolls_by_itself_where_the_page_is_narrow() -> None:
    """A table that is wider than the screen moves within its region, and not the page with it."""
    tables = 0
    for template in (DESK / "templates").glob("*.j2"):
        text = template.read_text(encoding="utf-8")
        for found in re.finditer("<table", text):
            tables += 1
            assert re.search(r'<div class="scrolls"[^\n]*>\s*$', text[: found.start()]), template
    assert tables > 20


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", Language.ENGLISH),
        ("zh-CN,zh;q=0.9,en;q=0.8", Language.CHINESE),
        ("en;q=0.1, zh;q=0.9", Language.CHINESE),
        ("fr, de", Language.ENGLISH),
        ("fr, zh-Hant;q=0.2", Language.CHINESE),
        ("zh;q=0, en", Language.ENGLISH),
        ("zh;q=x", Language.ENGLISH),
    ],
)
def test_the_browsers_language_decides(header: str, language: Language) -> None:
    assert preferred(header) is language


@given(st.text())
def test_any_header_gives_a_language(header: str) -> None:
    assert preferred(header) in tuple(Language)


def test_values_take_their_places_after_translation() -> None:
    said = say_in(Language.CHINESE)("Act {number} is logged at leaf {index}.", number=3, index=7)
    assert said == "第 3 号决议已登记，位于日志第 7 条。"
    assert say_in(Language.ENGLISH)("Sign in") == "Sign in"


def test_an_empty_text_is_empty_in_every_language() -> None:
    assert [say_in(language)("") for language in Language] == [""] * len(Language)
