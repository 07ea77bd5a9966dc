"""What a file holds beside its rows is counted as they are, and its reading ends where the desk says so."""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from client_sdk.desk.dropped import DroppedFile, bounded
from client_sdk.errors import PreflightError
from client_sdk.lending.columns import COLUMNS
from client_sdk.lending.files import read_portfolio
from client_sdk.lending.mapping import parse_mapping
from client_sdk.lending.metro2 import BASE_LENGTH, HEADINGS
from tests.client_sdk.tables.workbooks import SHEET, book, changed, saved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEADER = ",".join(COLUMNS).encode() + b"\n"
EMPTY = 300
MAPPING = f"""
ignored = {[name for name in HEADINGS if name != "consumer_account_number"]}
[columns]
consumer_account_number = "reference"
[constants]
kind = "DEFAULT"
standing = "OPEN"
id_type = "CN_RESIDENT_ID"
id_number = "110105194912310021"
consent_form = "WRITTEN"
"""


def workbook(rows: bytes) -> bytes:
    """A workbook with these rows behind its header."""
    return changed(saved(book([COLUMNS])), {SHEET: lambda data: data.replace(b"</sheetData>", rows + b"</sheetData>")})


def parquet() -> bytes:
    """Row groups without a row, and then rows without a value."""
    file = io.BytesIO()
    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    with pq.ParquetWriter(file, schema) as writer:
        for _ in range(50):
            writer.write_table(schema.empty_table())
        writer.write_table(pa.table({name: pa.nulls(EMPTY, pa.string()) for name in COLUMNS}, schema))
    return file.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    "lines": lambda: HEADER + b"\n" * EMPTY,
    "lines of blanks": lambda: HEADER + b" \t\r\n" * EMPTY,
    "lines of separators": lambda: HEADER + b",,, ,\n" * EMPTY,
    "lines of objects": lambda: b"{}\n" + b"\n" * EMPTY,
    "packed lines": lambda: gzip.compress(HEADER + b"\n" * EMPTY),
    "rows of a workbook": lambda: workbook(b"<row/>" * EMPTY),
    "rows of empty cells": lambda: workbook(b'<row><c s="0"/><c t="inlineStr"><is><t/></is></c></row>' * EMPTY),
    "lines of Metro 2": lambda: b"0426HEADER".ljust(BASE_LENGTH) + b"\n" + b"\n" * EMPTY,
    "records of Metro 2 that are no account": lambda: (b"0426HEADER".ljust(BASE_LENGTH) + b"\n") * EMPTY,
    "rows of columns": parquet,
}


class EndedError(Exception):
    """What ends the reading."""


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("of", ["portfolio", "customers"])
def test_whatever_is_skipped_is_counted_and_ends_where_the_desk_says_so(name: str, of: str) -> None:
    mapping = parse_mapping(MAPPING.encode(), "the mapping") if "Metro" in name else None
    file = DroppedFile(FILES[name](), mapping=mapping)

    def rows() -> Iterator[object]:
        return iter(file.portfolio().steps() if of == "portfolio" else file.customers())

    seen: list[int] = []
    try:
        list(bounded(rows(), seen.append))
    except PreflightError as error:
        assert "file.rows" in str(error)  # noqa: PT017 - a file of rejected rows is none
    assert len(seen) >= EMPTY
    assert seen == list(range(1, len(seen) + 1))

    def tell(count: int) -> None:
        if count == 7:
            raise EndedError

    with pytest.raises(EndedError):
        list(bounded(rows(), tell))


def test_empty_rows_count_for_the_most_that_a_desk_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client_sdk.desk.dropped.MOST_ROWS", EMPTY - 1)
    for make in FILES.values():
        content = make()
        mapping = parse_mapping(MAPPING.encode(), "the mapping") if content.startswith(b"0426") else None
        with pytest.raises(PreflightError, match=r"file\.rows .*empty ones too"):
            list(bounded(DroppedFile(content, mapping=mapping).portfolio().steps(), lambda _: None))


def test_a_header_far_below_the_top_is_none() -> None:
    rows = b"<row/>" * 1_000
    data = changed(saved(book([COLUMNS])), {SHEET: lambda xml: xml.replace(b"<sheetData>", b"<sheetData>" + rows)})
    data = changed(data, {SHEET: lambda xml: xml.replace(b' r="1"', b"").replace(b'1" ', b'" ')})
    with pytest.raises(PreflightError, match=r"columns\.known .*no row"):
        read_portfolio(io.BytesIO(data))
    with pytest.raises(PreflightError, match=r"columns\.known"):
        read_portfolio(io.BytesIO(b"\n" * 1_000 + b'{"kind": "DEFAULT"}\n'))


def test_a_stream_that_unpacks_to_more_than_a_desk_reads_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = gzip.compress(HEADER + b" " * 100_000 + b"\n")
    assert list(read_portfolio(io.BytesIO(data))) == []
    monkeypatch.setattr("client_sdk.lending.text_source._MAX_UNPACKED", 100_000)
    with pytest.raises(PreflightError, match=r"file\.gzip .*once unpacked"):
        read_portfolio(io.BytesIO(data))
