"""Parquet and Arrow files are read in a process of their own: whatever their bytes, this one goes on."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import closing, suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client_sdk.tables.columnar import ColumnarKind
from client_sdk.tables.columnar_file import ColumnFile, end_readings
from client_sdk.tables.columnar_lines import line_of, rows_line, said
from client_sdk.tables.values import TableError, Unclear
from tests.support.file_readers import file_readers

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal

    from client_sdk.tables.values import TableRow, Value

LARGEST = 2**31 - 1
# Of the page that is changed.
UNPACKED = 710
# A process for each example.
FEW = settings(max_examples=15)
ANOTHER_TYPE = Unclear("cell.type", "a value of another type", "text, a whole number or a day")


def parquet(table: Any, **how: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, **how)
    return file.getvalue()


def arrow(*batches: Any, **how: Any) -> bytes:
    """An Arrow file."""
    file = io.BytesIO()
    with pa.ipc.new_file(file, batches[0].schema, options=pa.ipc.IpcWriteOptions(**how)) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return file.getvalue()


def rows_of(data: bytes, kind: ColumnarKind = ColumnarKind.PARQUET) -> list[TableRow]:
    return list(ColumnFile(lambda: io.BytesIO(data), kind).rows())


def texts_of(data: bytes) -> list[object]:
    """What stands in the first column."""
    return [row.values[0] for row in rows_of(data)]


def refusal(data: bytes, kind: ColumnarKind = ColumnarKind.PARQUET) -> TableError:
    with pytest.raises(TableError) as caught:
        rows_of(data, kind)
    return caught.value


def varint(value: int) -> bytes:
    """A whole number of Thrift's compact protocol."""
    folded, found = value * 2 if value >= 0 else -value * 2 - 1, bytearray()
    while folded > 0x7F:
        found.append(folded & 0x7F | 0x80)
        folded >>= 7
    return bytes([*found, folded])


def footed(columns: list[bytes], rows: int, *, deep: bool = False) -> bytes:
    """A Parquet file of nothing but its footer: names of columns, or of groups inside of each other, and rows."""
    group, last = [b"\x48" + text(name) + b"\x15\x02\x00" for name in (b"schema", *columns[: -1 if deep else 0])], []
    last = [b"\x15\x0c\x25\x02\x18" + text(name) + b"\x00" for name in (columns[-1:] if deep else columns)]
    if not deep:
        group[0] = b"\x48" + text(b"schema") + b"\x15" + varint(len(columns)) + b"\x00"
    elements = group + last
    # A list of more than 14 items has its length behind its head, and that is not folded as numbers are.
    head = b"\x19" + (b"\xfc" + unfolded(len(elements)) if len(elements) > 14 else bytes([len(elements) << 4 | 0x0C]))
    footer = b"\x15\x02" + head + b"".join(elements) + b"\x16" + varint(rows) + b"\x19\x0c\x00"
    return b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def text(value: bytes) -> bytes:
    return unfolded(len(value)) + value


def unfolded(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def handmade(claimed: int, *, values: int = 1) -> bytes:
    """A file of one column, whose page says that it unpacks to so many bytes and holds so many values."""
    real = parquet(pa.table({"reference": ["x" * 700]}), compression="zstd", use_dictionary=False)
    chunk = pq.ParquetFile(io.BytesIO(real)).metadata.row_group(0).column(0)
    old = real[chunk.data_page_offset :][: chunk.total_compressed_size]
    # Kind of the page, its length unpacked and packed, and that of its values.
    body = old[old.index(b"\x28\xb5\x2f\xfd") :]
    about = b"\x2c\x15" + varint(values) + b"\x15\x00\x15\x06\x15\x06\x00\x00"
    new = b"\x15\x00\x15" + varint(claimed) + b"\x15" + varint(len(body)) + about + body
    assert len(new) <= len(old)
    return real.replace(old, new.ljust(len(old), b"\x00"))


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"data_page_version": "2.0"},
        {"use_dictionary": False},
        {"compression": "none", "write_page_checksum": True},
        {"compression": "zstd", "row_group_size": 100, "data_page_size": 64},
        {"compression": "gzip"},
        {"compression": "brotli"},
        {"compression": "lz4"},
        *({"use_dictionary": False, "column_encoding": {"text": of_text, "days": of_days, "rate": of_rate, "due": due}}
          for of_text, of_days, of_rate, due in (
              ("DELTA_BYTE_ARRAY", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT", "RLE"),
              ("DELTA_LENGTH_BYTE_ARRAY", "BYTE_STREAM_SPLIT", "PLAIN", "PLAIN"),
              ("PLAIN", "PLAIN", "BYTE_STREAM_SPLIT", "RLE"),
          )),
    ],
)  # fmt: skip
def test_every_form_that_ordinary_writers_give_a_parquet_file_is_read(how: dict[str, Any]) -> None:
    texts = [None if number % 3 == 0 else f"text {number}" for number in range(1_000)]
    columns = {"text": texts, "days": range(1_000), "rate": [0.5] * 1_000, "due": [True, False] * 500}
    data = parquet(pa.table({name: list(values) for name, values in columns.items()}), **how)
    rows = rows_of(data)
    assert [row.values for row in rows] == [
        [texts[number], number, Decimal("0.5"), "false" if number % 2 else "true"] for number in range(1_000)
    ]
    assert [row.number for row in rows] == list(range(1, 1_001))


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_arrow_files_of_other_programs_are_read(compression: Literal["lz4", "zstd"] | None) -> None:
    frame = pl.DataFrame(
        {"reference": ["loan-1", "a name that is longer than a view holds", None], "days": [1, 2, None]}
    )
    file = io.BytesIO()
    frame.write_ipc(file, compression=compression or "uncompressed")
    assert [tuple(row.values) for row in rows_of(file.getvalue(), ColumnarKind.ARROW)] == frame.rows()


def test_bytes_and_values_of_another_type_are_told_row_by_row() -> None:
    table = pa.table(
        {
            "json": pa.array(["{}"], pa.json_()),
            "binary": pa.array([b"{}"], pa.binary()),
            "fixed": pa.array([b"x" * 65_537], pa.binary(65_537)),
            "struct": pa.array([{"text": "a"}]),
            "lists": pa.array([[["a"]]]),
            "map": pa.array([[("a", "b")]], pa.map_(pa.string(), pa.string())),
        }
    )
    (row,) = rows_of(parquet(table))
    assert row.values[0] in ("{}", ANOTHER_TYPE)
    assert row.values[1:] == [ANOTHER_TYPE] * 5


def test_a_column_of_views_without_a_row_is_read() -> None:
    empty = pa.array([], pa.string_view())
    batches = [pa.record_batch({"reference": column}) for column in (empty, pa.array(["a"], pa.string_view()))]
    assert [row.values for row in rows_of(arrow(*batches), ColumnarKind.ARROW)] == [["a"]]


def test_this_process_loads_nothing_that_reads_them(tmp_path: Path) -> None:
    file = tmp_path / "p.parquet"
    file.write_bytes(parquet(pa.table({"reference": ["a"]})))
    program = (
        "import sys; from pathlib import Path; from client_sdk.tables.columnar import ColumnarKind; "
        "from client_sdk.tables.columnar_file import ColumnFile; "
        f"rows = list(ColumnFile(lambda: open({str(file)!r}, 'rb'), ColumnarKind.PARQUET).rows()); "
        "print(len(rows), 'pyarrow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == ["1", "False"]


def test_what_a_small_file_claims_to_hold_is_refused_where_it_has_no_room() -> None:
    assert rows_of(handmade(UNPACKED))[0].values == ["x" * 700]
    assert refusal(handmade(LARGEST)).rule == "table.size"
    for claimed, values in ((-1, 1), (700, 2), (700, LARGEST), (700, -1)):
        assert refusal(handmade(claimed, values=values)).rule == "file.form"
    length = 3_000_000
    data = arrow(pa.record_batch({"reference": ["x" * length]}), compression="zstd")
    assert len(data) < 2_000
    # The length of the text, and how zstd begins.
    told, begun = length.to_bytes(8, "little"), b"\x28\xb5\x2f\xfd"
    assert data.count(told + begun) == 1
    for size, rule in ((2**31, "table.size"), (2**40, "table.size"), (-2, "file.form"), (length, "table.cell")):
        changed = data.replace(told + begun, size.to_bytes(8, "little", signed=True) + begun)
        assert refusal(changed, ColumnarKind.ARROW).rule == rule


def test_footers_without_measure_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rows_of(footed([b"a", b"b"], 0)) == []
    assert refusal(footed([b"a"], 2**40)).rule == "table.rows"
    assert refusal(footed([b"c%d" % number for number in range(10_000)], 0)).rule == "table.columns"
    assert refusal(footed([b"a" * 90_000_000], 0)).rule == "table.columns"
    assert refusal(footed([b"a"] * 500_000, 0, deep=True)).rule in ("file.form", "table.size")
    monkeypatch.setattr("client_sdk.tables.columnar._MAX_ROWS", 10_000)
    assert refusal(arrow(*[pa.record_batch({"nothing": pa.nulls(8_000)})] * 2), ColumnarKind.ARROW).rule == "table.rows"


def test_a_text_that_is_repeated_and_a_list_without_measure_are_refused() -> None:
    rows, long = 4_096, b"x" * 1_000_000
    view = len(long).to_bytes(4, "little") + long[:4] + bytes(8)
    views = pa.Array.from_buffers(pa.string_view(), rows, [None, pa.py_buffer(view * rows), pa.py_buffer(long)])
    assert refusal(arrow(pa.record_batch({"reference": views})), ColumnarKind.ARROW).rule == "table.cell"
    numbers = pa.array([list(range(65))])
    assert refusal(parquet(pa.table({"measures": numbers}))).rule == "table.cell"
    one = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([long.decode()]))
    # Too long a text, or no room for it in each row: which comes first is the library's.
    small = parquet(pa.table({"reference": one}), compression="zstd", dictionary_pagesize_limit=2**30)
    assert len(small) < 20_000
    assert refusal(small).rule in ("table.cell", "table.size")


def test_a_process_that_ends_is_a_file_that_is_refused() -> None:
    many = parquet(pa.table({"reference": [f"loan {number} {'x' * 1_000}" for number in range(100_000)]}))
    rows = ColumnFile(lambda: io.BytesIO(many), ColumnarKind.PARQUET).rows()
    assert next(rows).values[0].startswith("loan 0 ")  # type: ignore[union-attr]  # a text
    (child,) = file_readers(os.getpid())
    os.kill(child, 6)
    with pytest.raises(TableError) as caught:
        list(rows)
    assert (caught.value.rule, "breaks off" in caught.value.got) == ("file.form", True)


def test_readings_end_with_the_program() -> None:
    many = parquet(pa.table({"reference": [f"loan {number} {'x' * 1_000}" for number in range(100_000)]}))
    rows = ColumnFile(lambda: io.BytesIO(many), ColumnarKind.PARQUET).rows()
    next(rows)
    end_readings()
    with pytest.raises(TableError):
        list(rows)
    assert file_readers(os.getpid()) == []


def test_a_reading_that_is_not_gone_on_with_ends_its_process() -> None:
    many = parquet(pa.table({"reference": [f"loan {number} {'x' * 1_000}" for number in range(100_000)]}))
    with closing(ColumnFile(lambda: io.BytesIO(many), ColumnarKind.PARQUET).rows()) as rows:  # type: ignore[type-var]  # a generator
        next(rows)
        assert len(file_readers(os.getpid())) == 1
    assert file_readers(os.getpid()) == []


def test_a_file_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("client_sdk.tables.columnar_file.PART_SECONDS", 1.0)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # What writes to it neither writes nor ends.
    writer = os.open(pipe, os.O_RDWR)
    try:
        with pytest.raises(TableError) as caught:
            ColumnFile(lambda: pipe.open("rb"), ColumnarKind.PARQUET)
    finally:
        os.close(writer)
    assert caught.value.got == "a Parquet file of which no row is read within 1 seconds"
    assert file_readers(os.getpid()) == []


@FEW
@given(st.data())
def test_a_damaged_parquet_file_is_refused_or_read(draws: st.DataObject) -> None:
    data = bytearray(parquet(pa.table({"reference": ["a", None, "b"], "list": [["x"], [], None]}), compression="none"))
    for _ in range(draws.draw(st.integers(1, 4))):
        data[draws.draw(st.integers(4, len(data) - 9))] = draws.draw(st.integers(0, 255))
    with suppress(TableError):
        rows_of(bytes(data))


@FEW
@given(st.data())
def test_a_damaged_arrow_file_is_refused_or_read(draws: st.DataObject) -> None:
    views = pa.array(["x", "a text that is longer than a view"], pa.string_view())
    data = bytearray(arrow(pa.record_batch({"a": views, "b": pa.array(["y", None]).dictionary_encode()})))
    for _ in range(draws.draw(st.integers(1, 4))):
        data[draws.draw(st.integers(8, len(data) - 11))] = draws.draw(st.integers(0, 255))
    with suppress(TableError):
        rows_of(bytes(data), ColumnarKind.ARROW)


@pytest.mark.parametrize("kept", [0, 4, 8, 100, -1, -5])
@pytest.mark.parametrize("kind", ColumnarKind)
def test_half_a_file_is_refused(kind: ColumnarKind, kept: int) -> None:
    table = pa.table({"reference": ["a"]})
    data = parquet(table) if kind is ColumnarKind.PARQUET else arrow(*table.to_batches())
    assert refusal(data[:kept], kind).rule == "file.form"


def test_a_line_says_values_as_they_were() -> None:
    rows: list[list[Value]] = [
        ['a\n\u2028"\ud7ff', 10**30, None, ["a", "b"], [], Decimal("1.50"), Decimal("1e400"), date(2025, 1, 2)],
        [datetime(2025, 1, 2, 3, 4, 5, 6, tzinfo=UTC), datetime(2025, 1, 2, 3), Unclear("rule", "got", "want")],  # noqa: DTZ001 - as a file has it
    ]  # fmt: skip
    assert said(rows_line(rows)) == rows
    assert said(line_of({"names": ["a"]})) == {"names": ["a"]}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"1",
        b"[1]",
        b"[[1.5]]",
        b"[[NaN]]",
        b'[[{"day":"x"}]]',
        b'[[{"a":1,"b":2}]]',
        b"\xff",
        b"[[[",
    ],
)
def test_a_line_that_says_no_table_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
        said(line)
