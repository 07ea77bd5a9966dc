"""A file of which no row can be read as it is, and what makes it readable: a sheet, or columns for its headings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from client_sdk.desk.form_values import FieldError
from client_sdk.desk.texts import N_
from client_sdk.errors import ConfigError
from client_sdk.lending.column_forms import MONEY
from client_sdk.lending.column_guide import GUIDE
from client_sdk.lending.files import Encoding
from client_sdk.lending.mapping import parse_mapping, toml_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from client_sdk.desk.dropped import DroppedFile
    from client_sdk.desk.form import Form
    from client_sdk.errors import PreflightError
    from client_sdk.lending.mapping import ColumnMapping

__all__ = ["CONSTANTS", "UnreadFile"]

# What a file often leaves out, as it is the same in all its rows.
CONSTANTS = ("kind", "standing", "id_type", "consent_form", "currency")
# Of a form: a field for each, and some others.
_MOST_HEADINGS = 90
_OF_THE_WHOLE = frozenset(("file", "header"))
_COLUMN, _CONSTANT = "column.", "constant."


@dataclass(frozen=True, slots=True, repr=False)
class UnreadFile:
    """A file of which no row can be read as it is.

    Attributes:
        file: as it was dropped.
        error: why.
        sheets: of a workbook, those that are shown; none of another file.
        headings: of its columns, as they are written; none where they cannot be read, or are too many for a form.
        given: what else its form said, by field.
    """

    file: DroppedFile
    error: PreflightError
    sheets: Sequence[str]
    headings: Sequence[str]
    given: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, file: DroppedFile, error: PreflightError, given: Mapping[str, str] | None = None) -> Self | None:
        """Return a file with why no row of it can be read; None where rows were read, and break rules."""
        if not all(item.field in _OF_THE_WHOLE for item in error.violations):
            return None
        headings = file.headings()
        return cls(file, error, file.sheets(), headings if len(headings) <= _MOST_HEADINGS else (), dict(given or {}))

    def again(self, form: Form) -> DroppedFile:
        """Return the file as a form says that it should be read.

        Raises:
            FieldError: a choice is none of its list, or the columns make no mapping.
        """
        named, sheet = form.text("encoding"), form.text("sheet")
        if named and named not in tuple(Encoding):
            raise FieldError("encoding", N_("Choose one of the list."))
        if sheet and sheet not in self.sheets:
            raise FieldError("sheet", N_("Choose one of the list."))
        return replace(
            self.file,
            encoding=Encoding(named) if named else self.file.encoding,
            sheet=sheet or self.file.sheet,
            mapping=self._mapping(form) or self.file.mapping,
        )

    def chosen(self) -> dict[str, str]:
        """Return the fields of the form as the file was read: by what was chosen before, else by its own headings."""
        file, mapping = self.file, self.file.mapping
        found = {"sheet": file.sheet or "", "encoding": file.encoding or ""}
        if mapping is None or not _is_of_a_form(mapping):
            return found | {f"{_COLUMN}{place}": _likely_column(name) for place, name in enumerate(self.headings)}
        columns = {heading: column for heading, (column,) in mapping.columns.items()}
        found |= {f"{_COLUMN}{place}": columns.get(heading, "") for place, heading in enumerate(self.headings)}
        found |= {_CONSTANT + column: text for column, text in mapping.constants.items()}
        return found | {"amounts": "major" if mapping.major else "minor", "dates": mapping.dates}

    def _mapping(self, form: Form) -> ColumnMapping | None:
        """Return the mapping of a file that was chosen, else that of the columns; None where neither says anything."""
        if raw := form.file("mapping"):
            return _parsed(
                raw, "mapping", N_("This mapping is not in order: save the one of this page, and fill it in.")
            )
        columns = [form.text(f"{_COLUMN}{place}") for place in range(len(self.headings))]
        if not any(columns):
            return None
        if MONEY.intersection(columns) and not form.text("amounts"):
            raise FieldError("amounts", N_("Say what an amount of 35000 in this file is: 350.00, or 35,000.00."))
        given = {name: form.text(_CONSTANT + name) for name in CONSTANTS}
        read = {heading: column for heading, column in zip(self.headings, columns, strict=True) if column}
        lines = [
            f"ignored = {_toml([heading for heading in self.headings if heading not in read])}",
            *(f"{name} = {_toml(text)}" for name in ("amounts", "dates") if (text := form.text(name))),
            "[columns]",
            *(f"{_toml(heading)} = {_toml(column)}" for heading, column in read.items()),
            "[constants]",
            *(f"{name} = {_toml(text)}" for name, text in given.items() if text),
        ]
        text = N_("Give each column to one heading alone, or say that it is the same in all rows; days as DD/MM/YYYY.")
        return _parsed("\n".join(lines).encode(), f"{_COLUMN}0", text)


def _parsed(raw: bytes, place: str, text: str) -> ColumnMapping:
    try:
        return parse_mapping(raw, "mapping")
    except ConfigError:
        raise FieldError(place, text) from None


def _toml(value: str | list[str]) -> str:
    return toml_text(value) if isinstance(value, str) else f"[{', '.join(map(toml_text, value))}]"


def _is_of_a_form(mapping: ColumnMapping) -> bool:
    """Whether the form of a page can say all that a mapping says."""
    is_plain = all(len(columns) == 1 for columns in mapping.columns.values())
    return is_plain and not (mapping.codes or mapping.offset) and mapping.constants.keys() <= set(CONSTANTS)


def _likely_column(heading: str) -> str:
    """Return the column that a heading names itself; an empty text where it names none."""
    name = heading.strip().lower()
    return name if name in GUIDE else ""
