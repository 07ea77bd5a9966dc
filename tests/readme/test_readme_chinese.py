"""README.zh.md is in step with README.md: the same sections, code blocks and links, each made from today's English."""

from __future__ import annotations

import re

import pytest

from tests.readme.chinese import CHINESE, chinese_sections, digest_of, english_sections
from tests.readme.readme import TEXT

_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)]+)\)")
_LEVEL = re.compile(r"#+")


def test_both_have_the_same_sections_of_the_same_levels() -> None:
    english, chinese = english_sections(), [section.text for section in chinese_sections()]
    assert [_LEVEL.match(text)[0] for text in english] == [_LEVEL.match(text)[0] for text in chinese]  # type: ignore[index]  # each begins with one


@pytest.mark.parametrize("place", range(len(english_sections())))
def test_each_chinese_section_was_made_from_the_english_one_of_today(place: int) -> None:
    english, chinese = english_sections()[place], chinese_sections()[place]
    heading = english.partition("\n")[0]
    assert chinese.digest == digest_of(english), (
        f"{heading}: bring README.zh.md up to date, then run python -m tests.readme.chinese"
    )
    assert _BLOCK.findall(chinese.text) == _BLOCK.findall(english), heading
    assert sorted(_LINK.findall(chinese.text)) == sorted(_LINK.findall(english)), heading
    assert chinese.text.count("\n| ") == english.count("\n| "), heading
    assert re.search(r"[\u4e00-\u9fff]", chinese.text.partition("\n")[0]), heading


def test_sections_that_are_linked_can_be_reached_in_the_chinese_text() -> None:
    text = CHINESE.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(#([^)]+)\)", TEXT):
        assert f'<a id="{link}"></a>' in text, link
