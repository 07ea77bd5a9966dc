"""Options for one report: exactly the columns of a portfolio file, so that the two never differ.

The identity number has no option: it is asked for or read from a file.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.options import completing
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.rules.facts import (
    CollectionStage,
    ConsentForm,
    JudgmentResult,
    JudgmentStage,
    LegalBasis,
    Measure,
    NoticeChannel,
    Product,
    SubjectRole,
)
from client_sdk.lending.columns import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from enum import IntEnum

    from client_sdk.kernel.subjects.identifiers import Identity

__all__ = ["cells_of", "column_options", "identity_cells"]

_OF_THE_IDENTITY = frozenset(("id_type", "id_number", "issuing_state"))
_WORDS: dict[str, type[IntEnum]] = {
    "kind": Kind,
    "standing": Standing,
    "subject_role": SubjectRole,
    "legal_basis": LegalBasis,
    "notice_channel": NoticeChannel,
    "consent_form": ConsentForm,
    "product": Product,
    "collection_stage": CollectionStage,
    "stage": JudgmentStage,
    "result": JudgmentResult,
    "measures": Measure,
}
_DIGESTS = frozenset(("notice_digest", "consent_digest"))
_MINOR_UNITS = frozenset(("principal", "interest", "penalty", "fees"))
_HELP = {
    "kind": "What the record is about.",
    "standing": "How it stands from this version on.",
    "reference": "Your own name of the debt; never shown to anybody else.",
    "first_day": "First day of the episode as first reported; that of the facts if left out.",
    "attempt": "How many records of the episode were withdrawn before.",
    "retain_until": "Last day it is kept; the longest that the law allows if left out.",
    "transferee": "Institution id of the buyer, where TRANSFERRED.",
    "continues_issuer": "Issuer of the old record of a bought debt.",
    "continues_record_id": "Its id, 32 hexadecimal digits.",
    "basis_reference": "Your name of the debt of the record that this one rests on.",
    "basis_first_day": "First day of that record.",
    "approver": "Who approved the report.",
    "original_creditor": "Unified social credit code of the first lender, else its LEI.",
    "contract": "Number of the contract.",
    "as_of": "Day of which the facts are.",
    "ended_on": "Day on which the conduct ended.",
    "currency": "ISO 4217.",
    "estimated": "true where amounts were derived and not read from the books.",
    "notice_sent_at": "When the notice was sent, ISO 8601 with its offset.",
    "days_estimated": "true where the days were derived.",
    "measures": "Measures of enforcement, separated by spaces.",
}
_PANELS = {
    "Default": ("product", "first_delinquency_on", "days_past_due", "days_estimated", "collection_stage", "called_on"),
    "Judgment": ("stage", "cause", "judged_on", "effective_on", "result", "batch_reference"),
    "Judgment and enforcement": ("case_number", "court", "filed_on", "basis_reference", "basis_first_day"),
    "Enforcement": tuple(
        name
        for name in COLUMNS
        if name.startswith("executed_") or name in ("judgment_case_number", "measures", "stayed_on")
    ),
}


def column_options(*, apart_from: Sequence[str] = ()) -> list[inspect.Parameter]:
    """Return an option for each column, in their order.

    Args:
        apart_from: columns that the verb reads in a way of its own.
    """
    names = [name for name in COLUMNS if name not in _OF_THE_IDENTITY and name not in apart_from]
    return [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, _option(name)]
        )
        for name in names
    ]


def cells_of(given: Mapping[str, str | None]) -> dict[str, str]:
    """Return the cells that were given as options."""
    return {name: text for name, text in given.items() if text is not None}


def identity_cells(identity: Identity) -> dict[str, str]:
    """Return the cells of an identity."""
    return {"id_type": identity.id_type.value, "id_number": identity.number, "issuing_state": identity.issuing_state}


def _option(name: str) -> object:
    words = tuple(_WORDS[name].__members__) if name in _WORDS else ()
    panel = next((title for title, names in _PANELS.items() if name in names), "All records")
    return typer.Option(
        f"--{name.replace('_', '-')}",
        metavar="|".join(words) or _metavar(name),
        help=_HELP.get(name, ""),
        show_default=False,
        rich_help_panel=panel,
        autocompletion=completing(words) if words else None,
    )


def _metavar(name: str) -> str:
    if name in _DIGESTS:
        return "SHA256"
    if name.endswith(("_on", "_day", "_date")) or name in ("as_of", "retain_until"):
        return "YYYY-MM-DD"
    if name.removeprefix("executed_") in _MINOR_UNITS:
        return "MINOR-UNITS"
    return "TRUE|FALSE" if name in ("estimated", "days_estimated") else "TEXT"
