"""Broken rules as sentences beside the fields of a form."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from client_sdk.desk.failures import IDENTITY, details_of, error_words, next_step
from client_sdk.desk.form_values import DAY_SENTENCE
from client_sdk.desk.record_columns import name_of_field, shown_cell
from client_sdk.desk.texts import N_, Language
from client_sdk.errors import FormatError, PreflightError, RefusedError, RuleError
from client_sdk.lending.column_forms import MONEY
from client_sdk.lending.places import column_of
from client_sdk.models import Violation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from client_sdk.desk.texts import Say
    from client_sdk.models import RowWarning

__all__ = [
    "FORM_ERRORS",
    "MISSING",
    "advice_of_rule",
    "field_of",
    "mistakes_of",
    "sentence_of",
    "sorted_out",
    "violation_words",
    "warning_words",
]

# A form that is answered by one of these is shown again, with what is wrong; any other error is a page by itself.
FORM_ERRORS = (PreflightError, FormatError, RuleError, RefusedError)
MISSING = "column.present"
_CORRECT = N_("Correct it as is wanted.")
# What to do, by rule; of a rule that is not here what was found and what is wanted is shown.
_SENTENCES = {
    MISSING: N_("Fill this in."),
    "column.word": N_("Choose one of the list."),
    "column.integer": N_("Give a whole number from 0."),
    "column.hexadecimal": N_("Choose the document, or give its SHA-256 as 64 hexadecimal digits."),
    "column.contacts": N_("Write channels with their counts, such as SMS:3 CALL:2."),
    "date.form": DAY_SENTENCE,
    "date.future": N_("This day is in the future: correct it."),
    "date.order": N_("This day is before one that it must follow: compare the days."),
    "days.plausible": N_("So many days cannot have passed since the first day overdue: compare the two."),
    "money.currency": N_("Give the three letters of a currency, such as CNY."),
    "money.open": N_("A running debt has an amount: give what is owed."),
    "creditor.code": N_("Compare the code of the first lender: a unified social credit code, else an LEI."),
    "first-day.present": N_("Give the first day."),
    "reference.form": N_("Give your own name of the debt, at most 128 characters."),
    "C03": N_("Give the person's written consent to being reported: its form, day and document."),
    "C06": N_("Tell the person first; then give how, when and by which document that was done."),
    "C20": N_("Give the person's written consent to being reported: its form, day and document."),
    "C04": N_("This is of a kind that may not be collected, such as an illness or a belief: leave it out."),
    "code.form": N_("Use letters, digits, dots, underscores and hyphens, at most 64."),
    "code.number": N_("This looks like an identity or account number, and all would see it: leave it out."),
    "statement.number": N_("This holds what looks like an identity or account number: leave it out."),
    "text.length": N_("This text is too long, or missing."),
    "columns.known": N_("Its headings are not our columns: say which column each is, or begin with the empty file."),
    "file.encoding": N_("The text is in another encoding: choose it."),
    "file.form": N_("Save it as a workbook (.xlsx) or as CSV UTF-8, and drop that file."),
    "mapping.headings": N_("The mapping and the headings of the file do not fit: say which column each heading is."),
    "workbook.encrypted": N_("Open it with its password, save it without one, and drop that file."),
    "workbook.sheets": N_("Choose the sheet that has the rows."),
    "column.time": N_("Give the time with its offset from UTC, such as 2026-01-05T10:00:00+08:00."),
    "digest.document": N_("This is the SHA-256 of an empty document: choose the document itself."),
    "F30": N_("Give the day on which the guarantor was called on; of nobody else."),
    "case-number.form": N_("Compare the case number with the court's paper, such as (2026)京0105民初123号."),
    "basis.record": N_("The record that this one rests on is not there: compare its reference and first day."),
    "lifecycle.transition": N_("A record with its present standing cannot take this one: choose another standing."),
}
# What to look at, by the rule of a warning.
_WARNED = {
    "basis.rejected": N_("It rests on a record of this file that is rejected: correct that row first."),
    "case-number.filing": N_("The case number's year is far from the day of filing: compare both with the paper."),
    "court.code": N_("The case number is of a court elsewhere: compare it with the court's name."),
    "days.dates": N_("Compare the days overdue with the dates: they differ where a part was paid meanwhile."),
    "money.currency-changed": N_("It is another currency than in the version before: compare it."),
    "money.executed": N_("Far more was recovered than was applied for: compare both amounts and their units."),
    "money.hundredfold": N_("It is a hundred times the version before, or a hundredth: look at the unit."),
    "number.identity": N_("Lists would show what looks like an identity number: leave it out if it is one."),
    "number.zeroed": N_("It ends in zeros, as a spreadsheet leaves long numbers: keep the column as text."),
    "row.repeated": N_("An earlier row says the same: it is sent once."),
    "N02": N_("Enforcement was applied for late: right only where the time was interrupted."),
    "N03": N_("More was added than the doubled interest of the delay: compare the amounts."),
    "N04": N_("Interest and penalty grew by more than courts grant: compare them."),
}
# The same, where it is another thing in one column.
_AT_COLUMNS = {
    ("C06", "notice_sent_at"): N_(
        "The notice must have been sent before the report, long enough and not in the future: compare its time."
    ),
    ("C20", "consent_date"): N_("The consent must have been given before the report: this day is in the future."),
    ("C20", "consent_form"): N_(
        "A consent in writing is needed to report: choose that form, with its day and document."
    ),
}
# A field in what a rule says: by its path, or by its column where that cannot be an English word.
_FIELD = re.compile(r"(?<![\w.`-])(?:facts(?:\.[a-z]+(?:_[a-z]+)*)+|[a-z]+(?:_[a-z]+)+)(?![\w`-]|\.\w)", re.ASCII)
# Fields of the page that a column has another name there.
_FIELDS = {"id_number": "number", "identity": "number"}


def sentence_of(item: Violation, say: Say) -> str:
    """Return what is wrong and what to do; it repeats nothing that was typed."""
    if item.rule == MISSING:
        return say(_SENTENCES[MISSING])
    known = _AT_COLUMNS.get((item.rule, column_of(item.field))) or _SENTENCES.get(item.rule) or IDENTITY.get(item.rule)
    text = say(known) if known else next_step(item.reason, _CORRECT if item.want else "", say, item.rule)
    details = _named(say.pairs(details_of(item, say, apart_from=("field",))), say)
    return say("{text} ({more})", text=text, more=details) if text else details


def violation_words(item: Violation, say: Say) -> str:
    """Return what is wrong with a row and what to do, after the name of the field where one is known."""
    text = sentence_of(item, say)
    return say.pair(name_of_field(item.field, say), text) if item.field else text


def warning_words(item: RowWarning, say: Say) -> str:
    """Return what a warning is about: field, what it is, what the row says there, and what the version before says."""
    column = item.column
    told = [
        (say(name), " ".join(filter(None, (shown_cell(column, cells, say.language), _currency(column, cells)))))
        for name, cells in ((N_("Given"), item.cells), (N_("Held"), item.held))
        if column in cells
    ]
    text = say.pair(name_of_field(column, say), _named(say.error(item.text), say))
    return say("{text} ({more})", text=text, more=say.pairs(told)) if told else text


def _named(text: str, say: Say) -> str:
    """Return what a rule says with the fields in it by the names that the page gives them."""

    def name(found: re.Match[str]) -> str:
        known = name_of_field(found[0], say)
        return found[0] if known == found[0] else f"“{known}”"

    said = _FIELD.sub(name, text)
    # Chinese has no blanks around what is quoted.
    return said.replace(" “", "“").replace("” ", "”") if say.language is Language.CHINESE else said


def _currency(column: str, cells: Mapping[str, str]) -> str:
    return cells.get("currency", "") if column in MONEY else ""


def advice_of_rule(rule: str, say: Say) -> str:
    """Return what to do where a rule is broken, of whatever field; an empty text where that is not known."""
    known = _SENTENCES.get(rule) or IDENTITY.get(rule) or _WARNED.get(rule)
    return say(known) if known else next_step("", "", say, rule)


def field_of(item: Violation) -> str:
    """Return the field of the page that a broken rule names."""
    return _FIELDS.get(item.field, item.field)


def mistakes_of(
    error: PreflightError | FormatError | RuleError | RefusedError, fields: Mapping[str, str], say: Say
) -> tuple[dict[str, str], list[str]]:
    """Return the first thing that an error says of each field of a page, and what it says of none of them.

    For a refusal of the registry the first line says so, with its reason.

    Args:
        error: of the SDK.
        fields: of the page, by the names that errors give them.
        say: says texts.
    """
    items = error.violations if isinstance(error, PreflightError) else (Violation.of(error.complaint),)
    known = [replace(item, field=fields.get(item.field, item.field)) for item in items]
    at_fields, others = sorted_out(known, set(fields.values()), say)
    if isinstance(error, RefusedError):
        words = error_words(error, say)
        others.insert(0, say("{text} ({more})", text=words.title, more=words.reason))
    return at_fields, others


def sorted_out(items: Iterable[Violation], columns: Collection[str], say: Say) -> tuple[dict[str, str], list[str]]:
    """Return the first thing that is wrong with each field, and what is wrong with none of them.

    Args:
        items: broken rules, their fields the names of columns.
        columns: that the form has.
        say: says texts.
    """
    at_fields: dict[str, str] = {}
    others: list[str] = []
    for item in items:
        field = field_of(item)
        if field in columns or field in ("number", "id_type", "issuing_state"):
            at_fields.setdefault(field, sentence_of(item, say))
        else:
            others.append(violation_words(item, say))
    return at_fields, others
