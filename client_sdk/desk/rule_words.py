"""Broken rules as sentences beside the fields of a form."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from client_sdk.desk.failures import IDENTITY, details_of, next_step
from client_sdk.desk.form_values import DAY_SENTENCE
from client_sdk.desk.record_columns import name_of_field
from client_sdk.desk.texts import N_
from client_sdk.errors import PreflightError, RefusedError
from client_sdk.models import Violation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from client_sdk.desk.texts import Say
    from client_sdk.errors import FormatError, RuleError

__all__ = ["MISSING", "field_of", "mistakes_of", "sentence_of", "sorted_out"]

MISSING = "column.present"
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
    "C06": N_("Tell the person first: the notice must have been sent long enough before the report."),
    "C20": N_("Give the person's written consent to being reported: its form, day and document."),
    "C04": N_("This is of a kind that may not be collected, such as an illness or a belief: leave it out."),
    "code.form": N_("Use letters, digits, dots, underscores and hyphens, at most 64."),
    "code.number": N_("This looks like an identity or account number, and all would see it: leave it out."),
    "statement.number": N_("This holds what looks like an identity or account number: leave it out."),
    "text.length": N_("This text is too long, or missing."),
    "F30": N_("Give the day on which the guarantor was called on; of nobody else."),
    "case-number.form": N_("Compare the case number with the court's paper, such as (2026)京0105民初123号."),
    "basis.record": N_("The record that this one rests on is not there: compare its reference and first day."),
    "lifecycle.transition": N_("A record with its present standing cannot take this one: choose another standing."),
}
# Fields of the page that a column has another name there.
_FIELDS = {"id_number": "number", "identity": "number"}


def sentence_of(item: Violation, say: Say, otherwise: str = "") -> str:
    """Return what is wrong and what to do; it repeats nothing that was typed.

    Args:
        item: broken rule.
        say: says texts.
        otherwise: what is said where nothing is known of rule and reason.
    """
    known = _SENTENCES.get(item.rule) or IDENTITY.get(item.rule)
    if item.rule == MISSING:
        return say(_SENTENCES[MISSING])
    text = say(known) if known else next_step(item.reason, otherwise, say, item.rule)
    details = say.pairs(details_of(item, say, apart_from=("field",)))
    return say("{text} ({more})", text=text, more=details) if text else details


def field_of(item: Violation) -> str:
    """Return the field of the page that a broken rule names."""
    return _FIELDS.get(item.field, item.field)


def mistakes_of(
    error: PreflightError | FormatError | RuleError | RefusedError, fields: Mapping[str, str], say: Say
) -> tuple[dict[str, str], list[str]]:
    """Return the first thing that an error says of each field of a page, and what it says of none of them.

    Args:
        error: of the SDK.
        fields: of the page, by the names that errors give them.
        say: says texts.
    """
    items = error.violations if isinstance(error, PreflightError) else (Violation.of(error.complaint),)
    known = [replace(item, field=fields.get(item.field, item.field)) for item in items]
    otherwise = N_("The registry has refused this") if isinstance(error, RefusedError) else ""
    return sorted_out(known, set(fields.values()), say, otherwise)


def sorted_out(
    items: Iterable[Violation], columns: Collection[str], say: Say, otherwise: str = ""
) -> tuple[dict[str, str], list[str]]:
    """Return the first thing that is wrong with each field, and what is wrong with none of them.

    Args:
        items: broken rules, their fields the names of columns.
        columns: that the form has.
        say: says texts.
        otherwise: as ``sentence_of`` takes it.
    """
    at_fields: dict[str, str] = {}
    others: list[str] = []
    for item in items:
        field = field_of(item)
        if field in columns or field in ("number", "id_type", "issuing_state"):
            at_fields.setdefault(field, sentence_of(item, say, otherwise))
        else:
            text = sentence_of(item, say, otherwise)
            others.append(say.pair(name_of_field(item.field, say), text) if item.field else text)
    return at_fields, others
