"""Whose language it is: of the option, the environment, the locale, or the surface of Windows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.texts.language import Language, language_named, language_of_identifier, language_of_user

ENGLISH, CHINESE = Language.ENGLISH, Language.CHINESE


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, ENGLISH),
        ({"LANG": "zh_CN.UTF-8"}, CHINESE),
        ({"LANG": "zh_TW"}, CHINESE),
        ({"LANG": "en_GB.UTF-8"}, ENGLISH),
        ({"LANG": "C.UTF-8"}, ENGLISH),
        ({"LANG": "de_DE.UTF-8"}, ENGLISH),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, ENGLISH),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN"}, CHINESE),
        ({"LANG": "en_US", "LC_MESSAGES": "en_US", "LC_ALL": "zh_CN.GB18030"}, CHINESE),
        ({"LC_ALL": "POSIX", "LANG": "zh_CN"}, ENGLISH),
        ({"LC_ALL": "", "LANG": "zh_CN"}, CHINESE),
        ({"CREDIT_REGISTRY_LANG": "en", "LC_ALL": "zh_CN"}, ENGLISH),
        ({"CREDIT_REGISTRY_LANG": "zh-Hans", "LC_ALL": "C"}, CHINESE),
    ],
)
def test_the_environment_decides(environ: dict[str, str], language: Language) -> None:
    assert language_of_user(environ) is language


@pytest.mark.parametrize(
    ("identifier", "language"),
    [(0x0804, CHINESE), (0x0404, CHINESE), (0x0C04, CHINESE), (0x0409, ENGLISH), (0, ENGLISH)],
)
def test_an_identifier_of_windows_is_read_without_its_region(identifier: int, language: Language) -> None:
    assert language_of_identifier(identifier) is language


def test_a_list_has_the_signs_of_its_language() -> None:
    assert [language.listing(["a", "b", "c"]) for language in (ENGLISH, CHINESE)] == ["a, b, c", "a、b、c"]


@given(st.text())
def test_any_name_is_a_language_or_none(name: str) -> None:
    assert language_named(name) in {None, ENGLISH, CHINESE}
