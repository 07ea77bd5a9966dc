"""Fields of forms as values."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, TypeVar

from client_sdk.desk.texts import N_
from client_sdk.lending.typed_text import NoDayError, read_day

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date
    from enum import StrEnum

    from client_sdk.desk.form import Form

__all__ = [
    "DAY_SENTENCE",
    "FieldError",
    "day_of_form",
    "digest_of_form",
    "digests_of_form",
    "file_of_form",
    "text_of_form",
    "word_of_form",
]

W = TypeVar("W", bound="StrEnum")

_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
DAY_SENTENCE = N_("Give a day with the year first, such as 2026-01-05, 2026/1/5, 2026年1月5日 or 20260105.")


class FieldError(Exception):
    """A field is not what the form asks for.

    Attributes:
        field: its name.
        text: what to do, to be said in a language; it repeats nothing that was typed.
    """

    def __init__(self, field: str, text: str) -> None:
        super().__init__(field, text)
        self.field, self.text = field, text


def word_of_form(form: Form, field: str, words: type[W], allowed: Collection[W]) -> W:
    """Return the word that was chosen.

    Raises:
        FieldError: none of those that are allowed was.
    """
    text = form.text(field)
    found = next((word for word in words if word.value == text and word in allowed), None)
    if found is None:
        raise FieldError(field, N_("Choose one of the list."))
    return found


def day_of_form(form: Form, field: str) -> date:
    """Return the day that was typed.

    Raises:
        FieldError: it is none.
    """
    try:
        return read_day(form.text(field))
    except NoDayError:
        raise FieldError(field, DAY_SENTENCE) from None


def digest_of_form(form: Form, field: str) -> bytes:
    """Return the SHA-256 that was typed.

    Raises:
        FieldError: it is none.
    """
    text = form.text(field)
    if not _DIGEST.fullmatch(text):
        raise FieldError(field, N_("Give a SHA-256 as 64 hexadecimal digits."))
    return bytes.fromhex(text)


def digests_of_form(form: Form, field: str) -> tuple[bytes, ...]:
    """Return the SHA-256 of each document that was chosen; none where none was."""
    return tuple(hashlib.sha256(document).digest() for document in form.documents(field))


def text_of_form(form: Form, field: str, most: int, wanted: str) -> str:
    """Return the text that was typed.

    Raises:
        FieldError: with the text ``wanted``: there is none, or it is longer than ``most`` characters.
    """
    text = form.text(field)
    if not 1 <= len(text) <= most:
        raise FieldError(field, wanted)
    return text


def file_of_form(form: Form, field: str, wanted: str) -> bytes:
    """Return the file that was chosen.

    Raises:
        FieldError: with the text ``wanted``: there is none, or it is empty.
    """
    content = form.file(field)
    if not content:
        raise FieldError(field, wanted)
    return content
