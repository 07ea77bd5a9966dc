"""A row of which some cells cannot be read: the rules are held against what can be.

Values lack what could not be read. A rule that reads a field which is not there cannot be judged; every other one is.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from client_sdk.kernel.formats.words import Kind
from client_sdk.kernel.rules.lifecycle import NEXT
from client_sdk.lending.cells import Cells
from client_sdk.lending.columns import report_of_cells
from client_sdk.lending.places import column_of
from client_sdk.lending.preflight import broken_rules

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from client_sdk.lending.preflight import Preflight
    from client_sdk.models.report import Report
    from client_sdk.models.violation import Violation

__all__ = ["row_violations"]

_IDENTITY = frozenset(("id_type", "id_number", "issuing_state"))
_BASIS = frozenset(("basis_reference", "basis_first_day"))
_CONTINUES = frozenset(("continues_issuer", "continues_record_id"))

T = TypeVar("T")


def row_violations(values: Mapping[str, str], rules: Preflight) -> list[Violation]:
    """Return what is wrong with a row: each cell that cannot be read, then each rule that is broken by what can be.

    Args:
        values: text by column; a column that is missing is empty.
        rules: of the moment.
    """
    cells = Cells(values, 0)
    report = report_of_cells(cells)
    if report is None:
        # What is wrong whatever the kind is.
        first, *others = (row_violations({**values, "kind": kind.name}, rules) for kind in Kind)
        return cells.violations + [item for item in first if all(item in found for found in others)]
    if not cells.violations:
        return rules.check_report(report)
    return cells.violations + _broken(report, {item.field for item in cells.violations}, rules)


def _broken(report: Report, columns: set[str], rules: Preflight) -> list[Violation]:
    """Return the rules that are broken whatever the columns hold that could not be read."""
    for whole in (_IDENTITY, _BASIS, _CONTINUES):
        if whole & columns:
            columns |= whole
    if "standing" not in columns:
        return _judged(report, columns, rules)
    first, *others = (_judged(replace(report, standing=one), columns, rules) for one in NEXT[report.kind])
    return [item for item in first if all(item in found for found in others)]


def _judged(report: Report, columns: Collection[str], rules: Preflight) -> list[Violation]:
    unread: set[str] = set()
    lacking = _lacking(report, "", columns, unread)
    return broken_rules(rules.rules_on(lacking), 0, unread)


def _lacking(value: T, place: str, columns: Collection[str], unread: set[str]) -> T:
    """Return a copy that lacks what some columns hold; the names of what it lacks are added to ``unread``."""
    copy = object.__new__(type(value))
    for name in [field.name for field in fields(value)]:  # type: ignore[arg-type]  # only dataclasses are given
        path, held = f"{place}.{name}" if place else name, getattr(value, name)
        if path.startswith("facts") and is_dataclass(held):
            held = _lacking(held, path, columns, unread)
        elif column_of(path) in columns and name != "standing":
            unread.add(name)
            continue
        object.__setattr__(copy, name, held)
    return copy
