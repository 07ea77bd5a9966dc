"""Texts of the desk in English and Chinese: gettext, whose message ids are the English texts.

``say("Sign in")`` in a page or a template is the text in the visitor's language; ``N_("…")`` marks a text that stands
in a table and is said later. ``locales/zh.po`` holds the Chinese ones, and is read as it is: there is no build step.
"""

from __future__ import annotations

import gettext
import io
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Protocol

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from client_sdk.subject_report import Language

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["N_", "Language", "Say", "preferred", "say_in"]

_MOST_HEADER = 1_000


class Say(Protocol):
    """Says a text in one language; ``values`` take the places in braces, after translation."""

    def __call__(self, text: str, **values: object) -> str:
        """Return the text."""
        ...


def N_(text: str) -> str:  # noqa: N802 - gettext's own name
    """Mark a text that is said later; return it."""
    return text


def say_in(language: Language) -> Say:
    """Return what says texts in a language."""
    translations = _translations(language)

    def say(text: str, **values: object) -> str:
        said = translations.gettext(text)
        return said.format(**values) if values else said

    return say


@cache
def _translations(language: Language) -> gettext.NullTranslations:
    if language is Language.ENGLISH:
        return gettext.NullTranslations()
    with resources.files("client_sdk.desk").joinpath(f"locales/{language}.po").open("rb") as file:
        catalogue = read_po(file)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


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
