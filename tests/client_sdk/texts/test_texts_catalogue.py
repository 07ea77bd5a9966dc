"""Texts of the command and of errors: each message id has its Chinese, with the same places, and none is left over."""

from __future__ import annotations

import re
from functools import cache
from gettext import GNUTranslations
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.texts import Language, recognised, say, speak
from client_sdk.texts.catalogue import compiled_bytes, own_catalogue
from client_sdk.texts.recognised import CONTEXT, PLACE, recognised_in
from tests.support.catalogue import COMPILED, WRITTEN, written_texts
from tests.support.message_ids import MessageId, message_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

# A place with how its value is written, and a pair of braces that stand for themselves.
_PLACE = re.compile(r"{(\w*)[^{}]*}")
# Characters and marks of Chinese.
_CHINESE = re.compile(r"[\u4e00-\u9fff\u3000-\u303f\uff00-\uffef]")
# A text that names types of the SDK, or asks for a certificate of the CA, reads alike in both languages.
_ALIKE = re.compile(r"(an? )?([A-Z][A-Za-z]*(, | or )?)+")


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    speak(Language.ENGLISH)


@cache
def texts() -> dict[MessageId, str]:
    return written_texts()


def test_each_message_id_has_its_chinese_and_no_other_is_left() -> None:
    found = message_ids()
    assert len(found) > 2_000
    assert found - set(texts()) == set(), "write them into zh.po, then run python -m tests.support.catalogue"
    assert set(texts()) - found == set(), "no text has these message ids any more"


def test_no_entry_is_fuzzy_or_obsolete() -> None:
    with WRITTEN.open("rb") as file:
        catalogue = read_po(file, abort_invalid=True)
    assert not [entry.id for entry in catalogue if entry.fuzzy and entry.id]
    assert not catalogue.obsolete


def test_the_compiled_catalogue_is_the_written_one() -> None:
    compiled, written = (GNUTranslations(BytesIO(data)) for data in (COMPILED.read_bytes(), compiled_bytes(WRITTEN)))
    for context, text in texts():
        said = [one.pgettext(context, text) if context else one.gettext(text) for one in (compiled, written)]
        assert said == [texts()[MessageId(context, text)]] * 2, "run python -m tests.support.catalogue"


def test_each_translation_is_chinese_with_the_same_places() -> None:
    for (_, english), chinese in texts().items():
        assert sorted(_PLACE.findall(english)) == sorted(_PLACE.findall(chinese)), english
        has_words = re.search(r"[A-Za-z]{2}", _PLACE.sub("", chinese))
        assert _CHINESE.search(chinese) or not has_words or _ALIKE.fullmatch(english), english


def test_a_line_that_stands_further_in_does_so_in_chinese() -> None:
    for (_, english), chinese in texts().items():
        if english.startswith("  "):
            assert chinese[: len(chinese) - len(chinese.lstrip())] == english[: len(english) - len(english.lstrip())]


def test_every_template_is_recognised_with_values_in_its_places() -> None:
    templates = [id_ for id_ in texts() if id_.context == CONTEXT and PLACE.search(id_.text)]
    assert len(templates) > 200
    for id_ in templates:
        places = len(set(PLACE.findall(id_.text)))
        values = [f"value-{place}.pem" for place in range(places)]
        said = recognised_in(Language.CHINESE, id_.text.format(*values))
        assert _CHINESE.search(said), id_.text
        assert all(value in said for value in values), id_.text


def test_a_text_of_an_error_without_places_is_said_as_it_is_written() -> None:
    plain = [id_ for id_ in texts() if id_.context == CONTEXT and not PLACE.search(id_.text)]
    for id_ in plain:
        assert recognised_in(Language.CHINESE, id_.text) == texts()[id_]


@given(st.text())
def test_any_text_is_recognised_or_stays_as_it_is(text: str) -> None:
    assert isinstance(recognised_in(Language.CHINESE, text), str)
    assert recognised_in(Language.ENGLISH, text) == text


@given(st.text(alphabet="{}0a :", max_size=40))
def test_braces_in_a_value_stay(value: str) -> None:
    assert value.strip(" ") in recognised_in(Language.CHINESE, f"{value} exists already") or " exists already" in value


def test_a_value_that_is_a_text_of_an_error_is_said_too() -> None:
    speak(Language.CHINESE)
    assert recognised("/x cannot be read: Permission denied") == "无法读取 /x：没有权限"
    assert recognised("First Lender of China") == "First Lender of China"


def test_what_a_text_says_is_that_of_the_programs_language() -> None:
    assert say("row {row}: ", row=3) == "row 3: "
    speak(Language.CHINESE)
    assert say("row {row}: ", row=3) == "第 3 行："
    assert say("") == ""
    assert own_catalogue(Language.ENGLISH).gettext("row") == "row"
