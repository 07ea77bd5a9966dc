"""Texts of the desk in English and Chinese: gettext, whose message ids are the English texts.

``say("Sign in")`` in a page or a template is the text in the visitor's language; ``N_("…")`` marks a text that stands
in a table and is said later. ``locales/zh.po`` holds the Chinese ones, and is read as it is: there is no build step.
"""

from __future__ import annotations

import gettext
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Protocol

from client_sdk.texts import N_, Language
from client_sdk.texts.catalogue import own_catalogue, written_catalogue
from client_sdk.texts.recognised import recognised_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["N_", "Language", "Say", "preferred", "say_in"]

_MOST_HEADER = 1_000
_PAIR = N_("{name}: {value}")


class Say(Protocol):
    """Says a text in one language; ``values`` take the places in braces, after translation."""

    def __call__(self, text: str, /, **values: object) -> str:
        """Return the text."""
        ...

    @property
    def language(self) -> Language:
        """The language."""
        ...

    def counted(self, count: int, one: str, many: str, /, **values: object) -> str:
        """Return the text for a number of things, ``{count}`` in it the number; arguments else as of a text."""
        ...

    def error(self, text: str) -> str:
        """Return the text of an error, which the SDK or a registry wrote in English."""
        ...

    def pair(self, name: str, value: str) -> str:
        """Return a name with its value, both said already."""
        ...

    def pairs(self, pairs: Iterable[tuple[str, str]]) -> str:
        """Return names with their values in one line, all said already."""
        ...

    def list(self, items: Iterable[str]) -> str:
        """Return several things in one line, all said already."""
        ...


class _Sayer:
    """Says texts in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._translations = _translations(language)

    def __call__(self, text: str, /, **values: object) -> str:
        # The empty id is gettext's own header.
        said = self._translations.gettext(text) if text else text
        return said.format(**values) if values else said

    def counted(self, count: int, one: str, many: str, /, **values: object) -> str:
        return self._translations.ngettext(one, many, count).format(count=f"{count:,}", **values)

    def error(self, text: str) -> str:
        return recognised_in(self.language, text)

    def pair(self, name: str, value: str) -> str:
        return self(_PAIR, name=name, value=value)

    def pairs(self, pairs: Iterable[tuple[str, str]]) -> str:
        joint = "；" if self.language is Language.CHINESE else "; "
        return joint.join(self.pair(name, value) for name, value in pairs)

    def list(self, items: Iterable[str]) -> str:
        return self.language.listing(items)


def say_in(language: Language) -> Say:
    """Return what says texts in a language."""
    return _Sayer(language)


@cache
def _translations(language: Language) -> gettext.NullTranslations:
    """Return the catalogue of the desk; what it has not, the one of the command has."""
    if language is Language.ENGLISH:
        return gettext.NullTranslations()
    translations = written_catalogue(resources.files("client_sdk.desk").joinpath(f"locales/{language}.po"))
    translations.add_fallback(own_catalogue(language))
    return translations


def preferred(header: str) -> Language:
    """Return the language that a browser's Accept-Language asks for; English where it asks for neither."""
    for tag in _tags(header[:_MOST_HEADER]):
        for language in Language:
            if tag.partition("-")[0] == language.value:
                return language
    return Language.ENGLISH


def _tags(header: str) -> Iterator[str]:
    """Yield the language tags that are wanted, the most wanted first."""
    weighed = []
    for place, part in enumerate(header.lower().split(",")):
        tag, _, rest = part.partition(";")
        name, _, value = rest.strip().partition("=")
        try:
            weight = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        if weight > 0:
            weighed.append((-weight, place, tag.strip()))
    return (tag for _, _, tag in sorted(weighed))
