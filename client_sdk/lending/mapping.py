"""A bank's own headings, codes, days and amounts, brought to the columns of a portfolio by a file in TOML.

    dates = "YYYYMMDD"                 # how days are written; left out: year, month, day, as 2026-01-05 or 2026/1/5
    amounts = "major"                  # 350.00 is 35000 minor units; "minor" if left out
    offset = "+08:00"                  # from UTC, of times that are written without it

    [columns]                          # their heading -> our column, or several
    "证件号码" = "id_number"
    "借据号" = ["reference", "contract"]

    [constants]                        # the same in each row, as the column is written; amounts in minor units
    kind = "DEFAULT"

    [codes.id_type]                    # their code -> our word
    "01" = "CN_RESIDENT_ID"

    ignored = ["备注"]                 # before the tables: headings that are not read

It is strict: each heading of the file is named once, each code has its word, and nothing is guessed.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from client_sdk._settings_file import check_known, parse_settings, read_settings, text_setting
from client_sdk.errors import ConfigError
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.money import minor_units
from client_sdk.lending.column_forms import FORMS, MONEY, ColumnForm
from client_sdk.lending.columns import COLUMNS
from client_sdk.lending.kind_of_text import kind_of_text
from client_sdk.lending.refusal import refused
from client_sdk.lending.typed_text import half_width, typed_time
from client_sdk.tables.values import Unclear

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from client_sdk.tables.values import Value

__all__ = ["ColumnMapping", "parse_mapping", "read_mapping", "toml_text"]

_SETTINGS = ("dates", "amounts", "offset", "ignored", "columns", "constants", "codes")
_DATE_PARTS = {"YYYY": r"(?P<year>[0-9]{4})", "MM": r"(?P<month>[0-9]{1,2})", "DD": r"(?P<day>[0-9]{1,2})"}
_TIGHT_PARTS = {"YYYY": r"(?P<year>[0-9]{4})", "MM": r"(?P<month>[0-9]{2})", "DD": r"(?P<day>[0-9]{2})"}
_DATE_FORM = re.compile(r"(?:YYYY|MM|DD|[-/. 年月日])+")
_OFFSET = re.compile(r"[+-][0-9]{2}:[0-9]{2}")
_AMOUNT = re.compile(r"-?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]+)?")
_MOST_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """From the headings of a file to the columns of a portfolio.

    Attributes:
        columns: that each heading stands for.
        ignored: headings that are not read.
        constants: text of each column that is the same in all rows.
        codes: for a column, the word of each code.
        dates: how days are written, such as ``DD/MM/YYYY``; empty for year, month, day.
        major: whether amounts are in major units, such as yuan.
        offset: from UTC, of times that are written without it; empty where each has its own.
    """

    columns: Mapping[str, tuple[str, ...]]
    ignored: frozenset[str] = frozenset()
    constants: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    dates: str = ""
    major: bool = False
    offset: str = ""

    @property
    def headings(self) -> frozenset[str]:
        """All headings that it names."""
        return self.ignored | self.columns.keys()

    def check_header(self, headings: Sequence[str], required: Sequence[str]) -> None:
        """Check that the mapping fits a file; no heading is shown, since it may be a person's where there is no header.

        Raises:
            PreflightError: a heading is not named, is there twice, or is missing, or a required column comes from none.
        """
        want = "a first row of the headings that the mapping names, each once"
        unknown = [place for place, heading in enumerate(headings, start=1) if heading not in self.headings]
        if unknown:
            got = (
                f"{len(unknown)} headings that the mapping does not name, the first at place {unknown[0]}"
                if len(unknown) > 1
                else f"1 heading that the mapping does not name, at place {unknown[0]}"
            )
        elif len(set(headings)) != len(headings):
            got = "a heading twice"
        elif missing := [heading for heading in self.columns if heading not in headings]:
            number = len(missing)
            got = f"a header without {number} headings that the mapping names"
            got = got if number > 1 else "a header without 1 heading that the mapping names"
        else:
            made = {*self.constants, *(column for heading in headings for column in self.columns.get(heading, ()))}
            lacking = [column for column in required if column not in made]
            if not lacking:
                return
            got = f"no column {' and none '.join(lacking)}"
            want = "a mapping with a heading or a constant for it"
        raise refused(1, "header", "mapping.headings", want, got=got)

    def values(self, given: Mapping[str, Value]) -> dict[str, Value]:
        """Return the values of a row by column, from those by heading."""
        read = {
            column: self._value(column, value)
            for heading, value in given.items()
            for column in self.columns.get(heading, ())
        }
        found: dict[str, Value] = {**self.constants, **read}
        if self.major:
            currency = found.get("currency")
            found |= {column: _minor(read[column], currency) for column in MONEY & read.keys()}
        return found

    def _value(self, column: str, value: Value) -> Value:
        if column in self.codes:
            return self._word(column, value)
        form = FORMS[column]
        if form is ColumnForm.DAY and self.dates and isinstance(value, str | int):
            return self._day(str(value))
        if form is ColumnForm.TIME and self.offset:
            return self._time(value)
        return value

    def _word(self, column: str, value: Value) -> Value:
        if value is None or isinstance(value, Unclear):
            return value
        code = _folded(str(value))
        word = self.codes[column].get(code)
        if word is None and code:
            got = kind_of_text(code)
            return Unclear("mapping.code", got, f"one of the {len(self.codes[column])} codes of [codes.{column}]")
        return word

    def _day(self, text: str) -> Value:
        text = _folded(half_width(text))
        found = _date_pattern(self.dates).fullmatch(text)
        if found is not None:
            return f"{found['year']}-{int(found['month']):02}-{int(found['day']):02}"
        return Unclear("mapping.date", kind_of_text(text), f"a day as {self.dates}") if text else None

    def _time(self, value: Value) -> Value:
        if isinstance(value, datetime) and value.tzinfo is None:
            return f"{value.isoformat()}{self.offset}"
        if isinstance(value, str) and value.strip():
            try:
                time = datetime.fromisoformat(typed_time(value.strip()))
            except ValueError:
                return value
            return value if time.tzinfo is not None else f"{time.isoformat()}{self.offset}"
        return value


def toml_text(text: str) -> str:
    """Return a text as TOML has it; what UTF-8 cannot say becomes a question mark."""
    # A JSON string is a basic string of TOML, apart from DEL.
    return json.dumps(text.encode(errors="replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007F")


def read_mapping(path: Path) -> ColumnMapping:
    """Read a mapping.

    Raises:
        ConfigError: it cannot be read, is no TOML, names an unknown setting or column, or one column twice.
    """
    return _mapping_of(read_settings(path, _SETTINGS), str(path))


def parse_mapping(raw: bytes, place: str) -> ColumnMapping:
    """Return the mapping that the bytes of a file hold; errors as for ``read_mapping``, in which ``place`` names it."""
    return _mapping_of(parse_settings(raw, _SETTINGS, place), place)


def _mapping_of(content: Mapping[str, object], path: str) -> ColumnMapping:
    headings, constant, coded = (_table(path, content, name) for name in ("columns", "constants", "codes"))
    mapping = ColumnMapping(
        columns={_folded(heading): _columns_of(path, heading, value) for heading, value in headings.items()},
        ignored=frozenset(_folded(name) for name in _texts(path, content.get("ignored", []), "ignored")),
        constants={name: text_setting(constant, name, f"{path}: constants") for name in constant},
        codes={column: _codes_of(path, column, value) for column, value in coded.items()},
        dates=text_setting(content, "dates", path, ""),
        major=_choice(path, content, "amounts", "minor", ("minor", "major")) == "major",
        offset=text_setting(content, "offset", path, ""),
    )
    _check(path, mapping)
    return mapping


def _check(path: str, mapping: ColumnMapping) -> None:
    for place, names in (("constants", mapping.constants), ("codes", mapping.codes)):
        check_known(dict.fromkeys(names), COLUMNS, f"{path}: {place}")
    named = [*mapping.constants, *(column for columns in mapping.columns.values() for column in columns)]
    if twice := sorted({column for column in named if named.count(column) > 1}):
        raise ConfigError(f"{path}: {', '.join(twice)}: want one heading or one constant for each column")
    if both := mapping.ignored & mapping.columns.keys():
        raise ConfigError(f"{path}: {len(both)} headings are in columns and in ignored: want each in one of them")
    if idle := sorted(set(mapping.codes) - set(named) | (set(mapping.codes) & set(mapping.constants))):
        raise ConfigError(f"{path}: codes of {', '.join(idle)}: want codes for columns that a heading gives")
    if mapping.dates and not (
        _DATE_FORM.fullmatch(mapping.dates) and all(mapping.dates.count(part) == 1 for part in _DATE_PARTS)
    ):
        raise ConfigError(f"{path}: dates: want YYYY, MM and DD once each, such as YYYYMMDD or DD/MM/YYYY")
    if mapping.offset and not _OFFSET.fullmatch(mapping.offset):
        raise ConfigError(f"{path}: offset: want an offset from UTC such as +08:00")


def _table(path: str, content: Mapping[str, object], name: str) -> dict[str, object]:
    value = content.get(name, {})
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: {name}: want a table")
    return cast("dict[str, object]", value)


def _texts(path: str, value: object, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{path}: {place}: want a list of texts")
    return tuple(value)


def _columns_of(path: str, heading: str, value: object) -> tuple[str, ...]:
    columns = _texts(path, [value] if isinstance(value, str) else value, f'columns."{heading}"')
    if not columns or set(columns) - set(COLUMNS):
        want = "columns of a portfolio, as `report --columns` lists them, or put the heading into ignored"
        raise ConfigError(f'{path}: columns."{heading}": want {want}')
    return columns


def _codes_of(path: str, column: str, value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: codes.{column}: want a table of codes and words")
    return {_folded(code): text_setting(value, code, f"{path}: codes.{column}") for code in value}


def _choice(path: str, content: Mapping[str, object], name: str, default: str, choices: Sequence[str]) -> str:
    chosen = text_setting(content, name, path, default)
    if chosen not in choices:
        raise ConfigError(f"{path}: {name}: want {' or '.join(choices)}")
    return chosen


def _folded(text: str) -> str:
    """Return a heading or a code as both are compared."""
    return unicodedata.normalize("NFC", text.strip())


def _date_pattern(form: str) -> re.Pattern[str]:
    # Without anything between them, the parts have their full length.
    parts = _DATE_PARTS if re.search(r"[^YMD]", form) else _TIGHT_PARTS
    pattern = re.sub("YYYY|MM|DD", lambda found: f"\0{found.group()}\0", form)
    return re.compile("".join(parts.get(piece, re.escape(piece)) for piece in pattern.split("\0")))


def _minor(value: Value, currency: Value) -> Value:
    """Return an amount in minor units from one in major units."""
    if value is None or isinstance(value, Unclear):
        return value
    if isinstance(value, str):
        text = half_width(value).strip()
        if not text:
            return None
        if len(text) > _MOST_CHARACTERS or not _AMOUNT.fullmatch(text):
            want = "an amount in major units, such as 350.00 or 1,250.5"
            return Unclear("mapping.amount", kind_of_text(text), want)
        value = Decimal(text.replace(",", ""))
    if not isinstance(value, int | Decimal):
        return value
    try:
        places = minor_units(str(currency or "").strip().upper())
    except RuleError:
        return Unclear("mapping.amount", "an amount without a currency", "a currency, by a heading or a constant")
    minor = Decimal(value).scaleb(places)
    if minor != minor.to_integral_value():
        want = f"at most {places}, as the currency has"
        return Unclear("mapping.amount", "more decimal places than the currency has", want)
    return int(minor)
