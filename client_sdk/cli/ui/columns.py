"""Options for one report: exactly the columns of a portfolio file, so that the two never differ.

The identity number has no option: it is asked for or read from a file.
"""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.options import completing
from client_sdk.lending.column_forms import form_of
from client_sdk.lending.column_guide import GUIDE, words_of_column
from client_sdk.lending.columns import COLUMNS, VALUE_WANTED
from client_sdk.lending.places import column_of
from client_sdk.texts import N_

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from client_sdk.models import Identity
    from client_sdk.models.violation import Violation

__all__ = ["as_options", "cells_of", "column_options", "identity_cells"]

_OF_THE_IDENTITY = frozenset(("id_type", "id_number", "issuing_state"))
_PANELS = {
    N_("Default"): (
        *("product", "first_delinquency_on", "days_past_due", "days_estimated", "collection_stage", "called_on"),
        *("default_cause", "contacts"),
    ),
    N_("Arrangement of a default"): tuple(name for name in COLUMNS if name.startswith("arrangement_")),
    N_("Judgment"): ("stage", "cause", "judged_on", "effective_on", "result", "batch_reference"),
    N_("Judgment, enforcement and listing"): ("case_number", "court", "filed_on", "basis_reference", "basis_first_day"),
    N_("Enforcement and listing"): ("judgment_case_number",),
    N_("Enforcement"): tuple(
        name for name in COLUMNS if name.startswith("executed_") or name in ("measures", "stayed_on")
    ),
    N_("Listing (失信被执行人)"): (
        *("listed_on", "listed_until", "earliest_removal_on", "grounds", "origin", "performance", "issued_by"),
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


def as_options(violations: Sequence[Violation]) -> tuple[Violation, ...]:
    """Return violations with the names of options in place of columns, and the values that each option takes."""
    return tuple(_as_option(item) for item in violations)


def _as_option(item: Violation) -> Violation:
    name = column_of(item.field)
    if name not in GUIDE:
        return item
    option = "--identity-file" if name == "id_number" else _name(name)
    return replace(item, field=option, want=form_of(name) if item.want == VALUE_WANTED else item.want)


def _name(column: str) -> str:
    return f"--{column.replace('_', '-')}"


def _option(name: str) -> object:
    words = words_of_column(name)
    panel = next((title for title, names in _PANELS.items() if name in names), N_("All records"))
    return typer.Option(
        _name(name),
        metavar=form_of(name),
        help=GUIDE[name].meaning,
        show_default=False,
        rich_help_panel=panel,
        autocompletion=completing(words) if words else None,
    )
