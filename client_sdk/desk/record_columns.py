"""Columns of a record as fields of a form: their names and hints, what was typed in them, and the cells it stands for.

``typed`` is a form's text by column: money as people write it, a time by the clock of this machine, several words with
spaces between. ``cells`` are what a portfolio's row holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from client_sdk.desk.form_values import FieldError, document_of_form
from client_sdk.desk.money import is_amount, minor_units, places_of
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.texts import N_, Language, say_in
from client_sdk.forms import MINOR_UNITS
from client_sdk.lending.column_forms import FORMS, MONEY, ColumnForm
from client_sdk.lending.column_guide import GUIDE, WORDS
from client_sdk.lending.places import column_of
from client_sdk.subject_report.terms import FACTS, term_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from client_sdk.desk.form import Form
    from client_sdk.desk.texts import Say
    from client_sdk.models import Kind

__all__ = [
    "IDENTITY_COLUMNS",
    "UNREAD",
    "FieldOfColumn",
    "cells_of",
    "columns_of",
    "fields_of",
    "name_of",
    "name_of_field",
    "shown_cell",
    "typed_of_cells",
    "typed_of_form",
]

# The person, whose fields are above all others.
IDENTITY_COLUMNS = ("id_type", "id_number", "issuing_state")
# Columns whose names the facts do not have.
_NAMES = {
    "id_type": N_("Type of number"),
    "id_number": N_("Identity number of the person"),
    "issuing_state": N_("Issuing state"),
    "standing": N_("Standing"),
    "reference": N_("Own reference"),
    "first_day": N_("First day, as it was first reported"),
    "attempt": N_("Records of it that were withdrawn before"),
    "retain_until": N_("Kept until"),
    "transferee": N_("Buyer of the debt"),
    "continues_issuer": N_("First lender's record: its issuer"),
    "continues_record_id": N_("First lender's record: its id"),
    "basis_reference": N_("Own reference of the record it rests on"),
    "basis_first_day": N_("First day of that record"),
    "subject_role": N_("Part in the debt"),
    "original_creditor": N_("Code of the first lender"),
    "contract": N_("Number of the contract"),
    "currency": N_("Currency"),
    "principal": N_("Principal"),
    "interest": N_("Interest"),
    "penalty": N_("Penalty interest"),
    "fees": N_("Fees"),
    "estimated": N_("Amounts were derived"),
    "notice_channel": N_("Notice sent by"),
    "notice_sent_at": N_("Notice sent at"),
    "notice_digest": N_("SHA-256 of the notice"),
    "consent_form": N_("Form of the consent"),
    "consent_date": N_("Day of the consent"),
    "consent_digest": N_("SHA-256 of the consent"),
    "arrangement_agreed_on": N_("Arrangement agreed on"),
    "arrangement_instalments": N_("Instalments"),
    "arrangement_period": N_("Period of the instalments"),
    "arrangement_paid": N_("Instalments paid"),
    "arrangement_outcome": N_("Outcome of the arrangement"),
    "executed_principal": N_("Principal recovered"),
    "executed_interest": N_("Interest recovered"),
    "executed_penalty": N_("Penalty interest recovered"),
    "executed_fees": N_("Fees recovered"),
}
# What errors of a file or a record name that is no column.
_OTHERS = {
    "kind": N_("Kind"),
    "row": N_("Row"),
    "file": N_("File"),
    "header": N_("Header row"),
    "mapping": N_("Mapping"),
    "record": N_("Record"),
    "record_id": N_("Record"),
    "evidence": N_("Evidence"),
    "statement.reason": N_("Why"),
    "statement.removed_on": N_("The court removed it on"),
}
_HINTS = {
    "contract": N_("Its letters and digits alone count: HT-1 and HT1 are the same contract, and are kept as HT1."),
    "reference": N_("Your own name of the debt; nobody else sees it."),
    "first_day": N_("Only for a further version whose first day below has changed; else leave it empty."),
    "attempt": N_("Leave it empty: the registry's newest is taken."),
    "retain_until": N_("Leave it empty: the longest that the law allows is taken."),
    "transferee": N_("Institution id, where the debt was sold."),
    "continues_record_id": N_("32 hexadecimal digits, of a debt that you have bought."),
    "basis_reference": N_("The default, judgment or enforcement that this one follows, if you have reported it."),
    "original_creditor": N_("Unified social credit code, else LEI."),
    "currency": N_("Three letters, such as CNY."),
    "principal": N_("Such as 12,500.00."),
    "contacts": N_("How often by which channel, such as SMS:3 CALL:2."),
    "called_on": N_("Of a guarantor alone."),
    "case_number": N_("Such as (2026)京0105民初123号."),
    "notice_sent_at": N_("By the clock of this machine."),
}
# In a cell: something was typed that cannot be read. It is neither a number, nor a time, nor a word of a list.
UNREAD = "?"
_DOCUMENTS = {"notice_digest": N_("The notice"), "consent_digest": N_("Signed consent")}
_AMOUNT = N_("Give an amount such as {example}, with all places of its currency or none.")
_WHOLE_AMOUNT = N_("Give a whole amount such as {example}: {currency} has no places after the point.")
_CURRENCY = N_("Give the three letters of a currency, such as CNY.")
_TIME = N_("Give a day and a time of the clock of this machine.")
_TWICE = N_("Clocks were changed in that hour: give a time before or after it.")


@dataclass(frozen=True, slots=True)
class FieldOfColumn:
    """A column as a field.

    Attributes:
        name: of the column, and of the field.
        label: in words.
        hint: how it is filled; empty for none.
        kind: text, date, time, choice, words (several of the choices) or document (a file, or its SHA-256).
        value: as typed.
        choices: values with their names.
        chosen: those that are chosen of ``words``.
        document: what the file is; empty for another kind.
    """

    name: str
    label: str
    hint: str
    kind: str
    value: str
    choices: tuple[tuple[str, str], ...] = ()
    chosen: tuple[str, ...] = ()
    document: str = ""


def columns_of(kind: Kind) -> tuple[str, ...]:
    """Return the columns that a person fills for a record of a kind, apart from the kind and the person."""
    return tuple(name for name, one in GUIDE.items() if one.is_of(kind) and name not in ("kind", *IDENTITY_COLUMNS))


def name_of(column: str, language: Language, say: Say) -> str:
    """Return the name of a column in words."""
    return say(_NAMES[column]) if column in _NAMES else FACTS[column].of(language)


def name_of_field(field: str, say: Say) -> str:
    """Return the name of a field that an error names by its path or its column; as it is where no column holds it."""
    if field in _OTHERS:
        return say(_OTHERS[field])
    column = column_of(field)
    return name_of(column, say.language, say) if column in GUIDE and (column in _NAMES or column in FACTS) else field


def shown_cell(column: str, cells: Mapping[str, str], language: Language) -> str:
    """Return what a record holds in a column, in words; an empty text where it holds nothing."""
    text = cells.get(column, "")
    if column in MONEY:
        return _written(text, cells.get("currency", ""))
    if FORMS[column] is ColumnForm.TIME and text:
        return clock_text(datetime.fromisoformat(text))
    if column in WORDS:
        named = [term_of(WORDS[column][name]).of(language) for name in text.split()]
        return say_in(language).list(named)
    return text


def typed_of_form(form: Form, columns: Iterable[str]) -> tuple[dict[str, str], list[FieldError]]:
    """Return what was typed in a form, by column, and what cannot be taken as it is; a file stands for its SHA-256."""
    typed: dict[str, str] = {}
    twice: list[FieldError] = []
    for column in columns:
        typed[column] = form.text(column)
        if FORMS[column] is ColumnForm.LIST and column in WORDS:
            typed[column] = " ".join(word.name for word in WORDS[column] if form.text(f"{column}.{word.name}"))
        elif column in _DOCUMENTS and form.file(f"{column}_file"):
            try:
                typed[column] = (document_of_form(form, f"{column}_file", column) or b"").hex()
            except FieldError as error:
                twice.append(error)
    return typed, twice


def typed_of_cells(cells: Mapping[str, str]) -> dict[str, str]:
    """Return what a person would type for some cells."""
    return {column: _typed_cell(column, text, cells.get("currency", "")) for column, text in cells.items()}


def cells_of(typed: Mapping[str, str], say: Say) -> tuple[dict[str, str], dict[str, str]]:
    """Return the cells that what was typed stands for, what is empty left out, and what is wrong by column, said.

    What cannot be read is ``UNREAD`` in the cells, so that it is not taken for empty.
    """
    currency = typed.get("currency", "").upper()
    cells: dict[str, str] = {}
    # Without a currency no amount can be read; whether it could be one of any currency is told all the same.
    is_known = currency in MINOR_UNITS
    wrong = {"currency": say(_CURRENCY)} if currency and not is_known else {}
    for column, text in typed.items():
        if column in MONEY and text:
            minor = minor_units(text, currency)
            cells[column] = UNREAD if minor is None else str(minor)
            if minor is None and (is_known or not is_amount(text)):
                wrong[column] = _amount_wanted(currency, say)
        elif FORMS[column] is ColumnForm.TIME and text:
            cells[column], problem = _moment(text)
            wrong |= {column: say(problem)} if problem else {}
        elif text:
            cells[column] = text
    return cells, wrong


def _amount_wanted(currency: str, say: Say) -> str:
    """Return what to give as an amount, with the places of its currency; of an unknown one with those of most."""
    if currency not in MINOR_UNITS:
        return say(_AMOUNT, example="12,500.00")
    example = _written(str(12_500 * 10 ** places_of(currency)), currency)
    return say(_AMOUNT if places_of(currency) else _WHOLE_AMOUNT, example=example, currency=currency)


def fields_of(
    columns: Iterable[str],
    typed: Mapping[str, str],
    language: Language,
    say: Say,
    only: Mapping[str, tuple[str, ...]] | None = None,
) -> list[FieldOfColumn]:
    """Return columns as fields.

    Args:
        columns: which.
        typed: what is typed in them.
        language: of the names.
        say: says texts in it.
        only: names of the words that a column is chosen from, where these are not all.
    """
    return [_field(column, typed.get(column, ""), language, say, (only or {}).get(column)) for column in columns]


def _field(column: str, value: str, language: Language, say: Say, only: tuple[str, ...] | None) -> FieldOfColumn:
    label = name_of(column, language, say)
    hint = say(_HINTS[column]) if column in _HINTS else ""
    if FORMS[column] is ColumnForm.FLAG:
        return FieldOfColumn(column, label, hint, "choice", value, (("", say("no")), ("true", say("yes"))))
    if column in WORDS:
        words = tuple(
            (word.name, term_of(word).of(language)) for word in WORDS[column] if only is None or word.name in only
        )
        if FORMS[column] is ColumnForm.LIST:
            return FieldOfColumn(column, label, hint, "words", value, words, tuple(value.split()))
        return FieldOfColumn(column, label, hint, "choice", value, (("", "–"), *words))
    if column in _DOCUMENTS:
        return FieldOfColumn(column, label, hint, "document", value, document=say(_DOCUMENTS[column]))
    kinds = {ColumnForm.DAY: "date", ColumnForm.TIME: "time"}
    return FieldOfColumn(column, label, hint, kinds.get(FORMS[column], "text"), value)


def _typed_cell(column: str, text: str, currency: str) -> str:
    if column in MONEY:
        return _written(text, currency)
    if FORMS[column] is ColumnForm.TIME and text:
        local = datetime.fromisoformat(text).astimezone().replace(tzinfo=None)
        return local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")
    return text


def _moment(text: str) -> tuple[str, str]:
    """Return a time of the clock of this machine with its offset from UTC, and what is wrong with it."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return UNREAD, _TIME
    if local.tzinfo is not None:
        return local.isoformat(), ""
    try:
        first, second = local.astimezone(), local.replace(fold=1).astimezone()
    except (OverflowError, OSError, ValueError):
        return UNREAD, _TIME
    return (first.isoformat(), "") if first.utcoffset() == second.utcoffset() else (UNREAD, _TWICE)


def _written(minor: str, currency: str) -> str:
    """Return minor units as people write them; what is no number as it is."""
    if not minor.isdigit():
        return minor
    places = places_of(currency)
    whole, part = divmod(int(minor), 10**places)
    return f"{whole:,}" + (f".{part:0{places}d}" if places else "")
