"""Writing tables in the form that the name of the file says: CSV, JSON Lines, Excel, Parquet or Arrow."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from contextlib import contextmanager
from datetime import date, datetime
from enum import Enum
from typing import IO, TYPE_CHECKING, TypeVar, cast

from client_sdk.tables.columnar import ColumnarKind, write_columnar
from client_sdk.tables.new_workbook import write_workbook

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from client_sdk.tables.values import Value

__all__ = ["TableKind", "no_formula", "table_bytes", "write_table"]

V = TypeVar("V", bound=object)

_PACKED = ".gz"
# Half of a surrogate pair, which JSON and workbooks can name, and UTF-8 cannot; U+FFFD stands for it.
_HALF = re.compile("[\ud800-\udfff]")
# What spreadsheets take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class TableKind(Enum):
    """The form of a file of rows, with the endings of its name."""

    CSV = (".csv", ".txt", ".tsv")
    JSON_LINES = (".jsonl", ".ndjson", ".json")
    EXCEL = (".xlsx",)
    PARQUET = (".parquet", ".pq")
    ARROW = (".arrow", ".feather", ".ipc")

    @classmethod
    def of(cls, path: Path) -> TableKind:
        """Return the form that the name of a file says; CSV where it says none."""
        name = path.with_suffix("") if path.suffix.lower() == _PACKED else path
        return next((kind for kind in cls if name.suffix.lower() in kind.value), cls.CSV)


def no_formula(text: str) -> str:
    """Return a text of CSV that a spreadsheet takes for a text: what was written elsewhere is not run here."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def table_bytes(path: Path, columns: Sequence[tuple[str, type]], rows: Iterable[Sequence[Value]]) -> bytes:
    """Return the bytes of a small table for a file of that name; arguments and errors as for ``write_table``."""
    file = io.BytesIO()
    write_table(file, path, columns, rows)
    return file.getvalue()


def write_table(
    file: IO[bytes], path: Path, columns: Sequence[tuple[str, type]], rows: Iterable[Sequence[Value]]
) -> int:
    """Write a table; return the number of its rows.

    Args:
        file: to write to.
        path: its name, which says the form, and with ``.gz`` that text is compressed.
        columns: names and types: ``str``, ``int``, ``date`` or ``datetime``, the last with its offset.
        rows: values of those types, or None.

    Raises:
        ConfigError: a library of the extra ``files`` is missing.
        OSError: it cannot be written.
    """
    kind = TableKind.of(path)
    if kind is TableKind.EXCEL:
        return write_workbook(file, columns, rows)
    columns = [(_whole(name), type_) for name, type_ in columns]
    rows = ([_whole(value) for value in row] for row in rows)
    if kind in (TableKind.PARQUET, TableKind.ARROW):
        return write_columnar(file, ColumnarKind[kind.name], columns, rows)
    with _text(file, packed=path.suffix.lower() == _PACKED) as text:
        names = [name for name, _ in columns]
        return _write_json(text, names, rows) if kind is TableKind.JSON_LINES else _write_csv(text, names, rows)


def _write_csv(text: IO[str], names: Sequence[str], rows: Iterable[Sequence[Value]]) -> int:
    count = 0
    write = csv.writer(text, lineterminator="\n")
    write.writerow(names)
    for row in rows:
        write.writerow([_plain(value) for value in row])
        count += 1
    return count


def _write_json(text: IO[str], names: Sequence[str], rows: Iterable[Sequence[Value]]) -> int:
    """Write objects without what is empty."""
    count = 0
    for row in rows:
        content = {name: _plain(value) for name, value in zip(names, row, strict=True) if value not in (None, "")}
        text.write(json.dumps(content, ensure_ascii=False) + "\n")
        count += 1
    return count


def _whole(value: V) -> V:
    """Return a value that UTF-8 can write."""
    return _HALF.sub("\ufffd", value) if isinstance(value, str) and not value.isascii() else value  # type: ignore[return-value]  # a text again


def _plain(value: Value) -> str | int:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value if isinstance(value, int) else "" if value is None else str(value)


@contextmanager
def _text(file: IO[bytes], *, packed: bool) -> Iterator[IO[str]]:
    """Give a text in UTF-8 over a file, which stays open."""
    raw = cast("IO[bytes]", gzip.GzipFile(fileobj=file, mode="wb")) if packed else file
    text = io.TextIOWrapper(cast("io.BufferedWriter", raw), encoding="utf-8", newline="")
    yield text
    text.flush()
    text.detach()
    if packed:
        raw.close()
