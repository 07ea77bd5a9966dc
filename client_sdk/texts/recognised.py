"""Texts of errors that come as English: said in the program's language by the template that they were made from.

An error of the SDK and what a registry answers are English text with values in it. The catalogue holds their templates
with the context ``error`` and numbered places: ``{0} exists already``. A text that is one of them, or that fits one of
them with values in its places, is said; any other stays as it is. Only texts of errors are recognised so, never what a
member wrote.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from client_sdk.texts.language import Language
from client_sdk.texts.spoken import spoken_language

__all__ = ["CONTEXT", "PLACE", "recognised", "recognised_in"]

CONTEXT = "error"
PLACE = re.compile(r"{(\d)}")
# Errors are short; nothing longer is held against the templates.
_MOST_CHARACTERS = 400
_LONG_ENOUGH = 8
_JOINT = ", "
_OR = " or "
# A sign that is quoted, or a code word: the same in each language.
_SIGN = re.compile(r"'.'|[A-Z][A-Z0-9_]*")


class _Template(NamedTuple):
    pattern: re.Pattern[str]
    said: str


def recognised(text: str) -> str:
    """Return the text of an error in the program's language."""
    return recognised_in(spoken_language(), text)


def recognised_in(language: Language, text: str) -> str:
    """Return the text of an error in a language; as it is where no template fits."""
    if language is Language.ENGLISH or not text.strip() or len(text) > _MOST_CHARACTERS:
        return text
    from client_sdk.texts.catalogue import own_catalogue  # noqa: PLC0415 - English reads no catalogue

    said = own_catalogue(language).pgettext(CONTEXT, text)
    if said != text:
        return said
    if (listed := _list_of_words(language, text)) is not None:
        return listed
    for template in _templates(language):
        if found := template.pattern.fullmatch(text):
            values = found.groupdict()
            return template.said.format(*(recognised_in(language, values[f"p{place}"]) for place in range(len(values))))
    return text


def _list_of_words(language: Language, text: str) -> str | None:
    """Return codes to choose from, or a list of words that the catalogue has; None for another text.

    Such as ``DEFAULT or JUDGMENT``, and ``letters, digits, '-'``.
    """
    from client_sdk.texts.catalogue import own_catalogue  # noqa: PLC0415 - likewise

    if all(_SIGN.fullmatch(word) for word in text.split(_OR)):
        return own_catalogue(language).gettext(_OR).join(text.split(_OR)) if _OR in text else None
    words = text.split(_JOINT)
    said = [own_catalogue(language).pgettext(CONTEXT, word) for word in words]
    is_known = [new != old or _SIGN.fullmatch(old) is not None for new, old in zip(said, words, strict=True)]
    return language.listing(said) if len(words) > 1 and all(is_known) and said != words else None


@cache
def _templates(language: Language) -> tuple[_Template, ...]:
    """Return the templates with places, those with most text of their own first: they say most."""
    from client_sdk.texts.catalogue import own_catalogue  # noqa: PLC0415 - likewise

    prefix = f"{CONTEXT}\x04"
    # The library has no public way to list what it has loaded; a test sees that this one finds all.
    entries = getattr(own_catalogue(language), "_catalog", {})
    found = [
        (id_.removeprefix(prefix), said)
        for id_, said in entries.items()
        if isinstance(id_, str) and id_.startswith(prefix) and PLACE.search(id_)
    ]
    found.sort(key=lambda entry: (-len(PLACE.sub("", entry[0])), entry[0]))
    return tuple(_Template(_pattern(id_), said) for id_, said in found)


def _pattern(template: str) -> re.Pattern[str]:
    parts = PLACE.split(template)
    # What has little text of its own, such as "{0} to {1}", fits values of one word alone, or of a list
    # of words: a sentence may hold it too.
    value = ".*?" if len(PLACE.sub("", template).strip()) >= _LONG_ENOUGH else r"\S*?(?:, \S+?)*?"
    seen: set[str] = set()
    pattern = ""
    for place, part in enumerate(parts):
        if place % 2 == 0:
            pattern += re.escape(part)
        elif part in seen:
            pattern += f"(?P=p{part})"
        else:
            seen.add(part)
            pattern += f"(?P<p{part}>{value})"
    return re.compile(pattern, re.DOTALL)
