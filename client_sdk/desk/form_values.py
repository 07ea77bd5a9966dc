"""Fields of forms as values."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, TypeVar, overload
from uuid import UUID

from client_sdk.desk.texts import N_
from client_sdk.errors import FormatError
from client_sdk.forms import check_institution_id, holds_long_number
from client_sdk.lending.typed_text import NoDayError, read_day
from client_sdk.models import RecordKey

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import date
    from enum import StrEnum

    from client_sdk.desk.form import Form
    from client_sdk.desk.texts import Say

__all__ = [
    "DAY_SENTENCE",
    "FieldError",
    "Mistakes",
    "SaidFieldError",
    "check_no_empty_file",
    "day_of_form",
    "digests_of_form",
    "document_of_form",
    "file_of_form",
    "kept_digests_of_form",
    "read_all",
    "record_of_form",
    "text_of_form",
    "word_of_form",
]

W = TypeVar("W", bound="StrEnum")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
DAY_SENTENCE = N_("Give a day with the year first, such as 2026-01-05, 2026/1/5, 2026年1月5日 or 20260105.")
TWO_DOCUMENTS = N_(
    "The file that was chosen has the SHA-256 {chosen}, and this is another one: {typed}. Correct it, or leave one of "
    "the two empty."
)


class FieldError(Exception):
    """A field is not what the form asks for.

    Attributes:
        field: its name.
        text: what to do, to be said in a language; of what was typed it repeats SHA-256 alone.
        values: for the places of the text.
        others: what further fields of the form are not.
    """

    def __init__(self, field: str, text: str, **values: object) -> None:
        super().__init__(field, text)
        self.field, self.text, self.values = field, text, values
        self.others: list[FieldError] = []

    def said(self, say: Say) -> dict[str, str]:
        """Return what to do by the names of the fields, in a language."""
        found = {self.field: self._sentence(say)}
        for other in self.others:
            for field, text in other.said(say).items():
                found.setdefault(field, text)
        return found

    def _sentence(self, say: Say) -> str:
        return say(self.text, **self.values)


class SaidFieldError(FieldError):
    """A field is not what the form asks for, of which the text is in the visitor's language already."""

    def _sentence(self, _: Say) -> str:
        return self.text


class Mistakes(dict[str, str]):
    """What is wrong with the fields of a page, by their names; a field tells its label when the page shows it."""

    def __init__(self, wrong: Mapping[str, str]) -> None:
        super().__init__(wrong)
        self._labels: dict[str, str] = {}

    def stands_at(self, field: str, label: str) -> str:
        """Take note of the label under which the page shows a field; nothing of that is shown."""
        self._labels[field] = label
        return ""

    def named(self) -> list[tuple[str, str, str]]:
        """Return name, label and what is wrong, of each field in the order of the page.

        Last, and without a label, come those that the page does not show.
        """
        shown = [(field, label, self[field]) for field, label in self._labels.items()]
        return shown + [(field, "", text) for field, text in self.items() if field not in self._labels]


@overload
def read_all(first: Callable[[], A], second: Callable[[], B], /) -> tuple[A, B]: ...
@overload
def read_all(first: Callable[[], A], second: Callable[[], B], third: Callable[[], C], /) -> tuple[A, B, C]: ...
def read_all(*reads: Callable[[], object]) -> tuple[object, ...]:
    """Read several fields; return their values.

    Raises:
        FieldError: with what is wrong with each of them, not with the first alone.
    """
    values: list[object] = []
    wrong: list[FieldError] = []
    for read in reads:
        try:
            values.append(read())
        except FieldError as error:
            wrong.append(error)
    if wrong:
        first, *others = wrong
        first.others += others
        raise first
    return tuple(values)


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


def _digest_of_form(form: Form, field: str) -> bytes:
    """Return the SHA-256 that was typed.

    Raises:
        FieldError: it is none.
    """
    text = form.text(field)
    if not _DIGEST.fullmatch(text):
        raise FieldError(field, N_("Give a SHA-256 as 64 hexadecimal digits."))
    return bytes.fromhex(text)


def document_of_form(form: Form, file: str, digest: str) -> bytes | None:
    """Return the SHA-256 of a document that was chosen as a file, or named by its SHA-256; None where it was neither.

    Raises:
        FieldError: both are there and differ, or the SHA-256 is none.
    """
    document = form.file(file)
    typed = _digest_of_form(form, digest) if form.text(digest) else None
    if not document:
        return typed
    chosen = hashlib.sha256(document).digest()
    if typed is not None and typed != chosen:
        raise FieldError(digest, TWO_DOCUMENTS, chosen=chosen.hex(), typed=typed.hex())
    return chosen


def check_no_empty_file(form: Form, field: str) -> None:
    """Check that no file without content was chosen: it shows nothing, and was chosen by mistake.

    Raises:
        FieldError: one was.
    """
    if field in form.empty:
        raise FieldError(field, N_("A file that you chose is empty: choose the document itself."))


def digests_of_form(form: Form, field: str) -> tuple[bytes, ...]:
    """Return the SHA-256 of each document that was chosen; none where none was.

    Raises:
        FieldError: one of them is empty.
    """
    check_no_empty_file(form, field)
    return tuple(hashlib.sha256(document).digest() for document in form.documents(field))


def kept_digests_of_form(form: Form, field: str, at: str) -> tuple[bytes, ...]:
    """Return the SHA-256 of documents that were chosen before, as the form has named them.

    Raises:
        FieldError: at the field ``at``: they are none.
    """
    texts = form.text(field).split()
    if not all(map(_DIGEST.fullmatch, texts)):
        raise FieldError(at, N_("The documents that were chosen before are not known any more: choose them anew."))
    return tuple(map(bytes.fromhex, texts))


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


def record_of_form(form: Form, field: str) -> RecordKey:
    """Return the record that was named as answers name it, issuer and number.

    Raises:
        FieldError: none was.
    """
    issuer, _, number = form.text(field).partition("/")
    try:
        record = RecordKey(check_institution_id(issuer, "record", "issuer"), UUID(number).bytes)
    except (FormatError, ValueError):
        record = None
    # A number of a person would go to the registry, and into the journal.
    if record is None or holds_long_number(issuer):
        text = N_("Name the record as answers do: lender-1/01234567-89ab-8def-8123-456789abcdef.")
        raise FieldError(field, text)
    return record
