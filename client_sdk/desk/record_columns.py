"""Columns of a record as fields of a form: their names, choices, and money as people write it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from client_sdk.desk.form_values import FieldError
from client_sdk.desk.texts import N_
from client_sdk.forms import MINOR_UNITS, Word
from client_sdk.models import (
    ArrangementOutcome,
    ArrangementPeriod,
    CollectionStage,
    ConsentForm,
    DefaultCause,
    JudgmentResult,
    JudgmentStage,
    LegalBasis,
    ListingOrigin,
    ListingPerformance,
    NoticeChannel,
    Product,
    SubjectRole,
)
from client_sdk.subject_report.terms import FACTS, term_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from client_sdk.desk.texts import Language, Say

__all__ = ["FieldOfColumn", "cells_of", "fields_of", "name_of", "shown_cell"]

# Columns whose names the facts do not have.
_NAMES = {
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
_CHOICES: dict[str, type[Word]] = {
    "subject_role": SubjectRole,
    "legal_basis": LegalBasis,
    "notice_channel": NoticeChannel,
    "consent_form": ConsentForm,
    "product": Product,
    "collection_stage": CollectionStage,
    "default_cause": DefaultCause,
    "arrangement_period": ArrangementPeriod,
    "arrangement_outcome": ArrangementOutcome,
    "stage": JudgmentStage,
    "result": JudgmentResult,
    "origin": ListingOrigin,
    "performance": ListingPerformance,
}
_SUMS = ("principal", "interest", "penalty", "fees")
_MONEY = frozenset((*_SUMS, *(f"executed_{name}" for name in _SUMS)))
_FLAGS = frozenset(("estimated", "days_estimated"))
_ARRANGEMENT = tuple(name for name in _NAMES if name.startswith("arrangement_"))
# With commas between thousands, or without.
_WHOLE = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+")


class FieldOfColumn(dict[str, object]):
    """A column as a field of a form: ``name``, ``label``, ``kind`` (text, date or choice), ``value``, ``choices``."""


def name_of(column: str, language: Language, say: Say) -> str:
    """Return the name of a column in words."""
    return say(_NAMES[column]) if column in _NAMES else FACTS[column].of(language)


def shown_cell(column: str, cells: Mapping[str, str], language: Language) -> str:
    """Return what a record holds in a column, in words; an empty text where it holds nothing."""
    text = cells.get(column, "")
    if column in _MONEY:
        return _written(text, MINOR_UNITS.get(cells.get("currency", ""), 0))
    word = next((word for word in _CHOICES.get(column, ()) if word.name == text), None)
    return text if word is None else term_of(word).of(language)


def fields_of(cells: Mapping[str, str], language: Language, say: Say) -> list[FieldOfColumn]:
    """Return the columns of a record as fields, with what it holds.

    Args:
        cells: text by column, as ``facts_cells`` gives it.
        language: of the names.
        say: says texts in it.
    """
    columns = [*cells, *(name for name in _ARRANGEMENT if "product" in cells and name not in cells)]
    return [_field(column, cells, language, say) for column in columns]


def cells_of(typed: Mapping[str, str], held: Mapping[str, str]) -> dict[str, str]:
    """Return the cells that a form gives; what is empty is left out.

    Args:
        typed: text by column.
        held: cells of the record.

    Raises:
        FieldError: an amount is of another form.
    """
    currency = typed.get("currency", "").strip().upper()
    columns = {*held, *(_ARRANGEMENT if "product" in held else ())}
    texts = {column: typed.get(column, "").strip() for column in columns}
    return {
        column: _minor_units(column, text, MINOR_UNITS.get(currency, 0)) if column in _MONEY else text
        for column, text in texts.items()
        if text
    }


def _field(column: str, cells: Mapping[str, str], language: Language, say: Say) -> FieldOfColumn:
    value = cells.get(column, "")
    if column in _MONEY:
        value = _written(value, MINOR_UNITS.get(cells.get("currency", ""), 0))
    field = FieldOfColumn(name=column, label=name_of(column, language, say), kind="text", value=value, choices=[])
    if column in _FLAGS:
        return FieldOfColumn({**field, "kind": "choice", "choices": [("", say("no")), ("true", say("yes"))]})
    if column in _CHOICES:
        words = [(word.name, term_of(word).of(language)) for word in _CHOICES[column]]
        return FieldOfColumn({**field, "kind": "choice", "choices": [("", "–"), *words]})
    is_day = column.endswith(("_on", "_date", "_until")) or column == "as_of"
    return FieldOfColumn({**field, "kind": "date" if is_day else "text"})


def _written(minor: str, places: int) -> str:
    """Return minor units as people write them; what is no number as it is."""
    if not minor.isdigit():
        return minor
    whole, part = divmod(int(minor), 10**places)
    return f"{whole:,}" + (f".{part:0{places}d}" if places else "")


def _minor_units(column: str, text: str, places: int) -> str:
    """Return an amount in minor units; one that could be read in two ways is refused."""
    whole, point, part = text.partition(".")
    if not _WHOLE.fullmatch(whole) or (point and (len(part) != places or not part.isdigit())):
        raise FieldError(column, N_("Give an amount such as 12,500.00, with all places of its currency or none."))
    return str(int(whole.replace(",", "") + (part or "0" * places)))
