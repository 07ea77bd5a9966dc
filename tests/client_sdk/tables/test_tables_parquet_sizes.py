"""Parquet files whose pages claim more than the file's end does are refused before one is unpacked."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.tables.columnar import ColumnarKind, columnar_batches
from client_sdk.tables.parquet_sizes import parquet_groups
from client_sdk.tables.values import TableError

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.tables.values import TableRow

LARGEST = 2**31 - 1


def parquet(table: Any, **how: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, **how)
    return file.getvalue()


def parquet_rows(data: bytes) -> list[TableRow]:
    return list(columnar_batches(lambda: io.BytesIO(data), ColumnarKind.PARQUET).rows())


def metadata_of(data: bytes) -> Any:
    return pq.ParquetFile(io.BytesIO(data)).metadata


def sizes(data: bytes) -> list[int]:
    return list(parquet_groups(io.BytesIO(data), metadata_of(data)))


def varint(value: int) -> bytes:
    """A whole number of Thrift's compact protocol."""
    folded, found = value * 2 if value >= 0 else -value * 2 - 1, bytearray()
    while folded > 0x7F:
        found.append(folded & 0x7F | 0x80)
        folded >>= 7
    return bytes([*found, folded])


def handmade(claimed: int, *, rows: int = 1, values: int = 1, pages: int = 1, unknown: bytes = b"") -> bytes:
    """A file of one column, whose page says that it unpacks to so many bytes and holds so many values."""
    real = parquet(pa.table({"reference": pa.array(["x" * 700] * rows)}), compression="zstd", use_dictionary=False)
    chunk = metadata_of(real).row_group(0).column(0)
    old = real[chunk.data_page_offset :][: chunk.total_compressed_size]
    # Kind of the page, its length unpacked and packed, and that of its values.
    body = old[old.index(b"\x28\xb5\x2f\xfd") :]
    about = (
        unknown
        + (b"\x1c" if unknown else b"\x2c")
        + b"\x15"
        + varint(values)
        + b"\x15\x00\x15\x06\x15\x06\x00"
        + b"\x00"
    )
    header = b"\x15\x00\x15" + varint(claimed) + b"\x15" + varint(len(body)) + about
    new = (header + body) * pages
    assert len(new) <= len(old)
    return real.replace(old, new.ljust(len(old), b"\x00"))


def test_what_is_handmade_is_a_parquet_file() -> None:
    real = parquet(pa.table({"reference": ["x" * 700]}), compression="zstd", use_dictionary=False)
    (unpacked,) = sizes(real)
    (row,) = parquet_rows(handmade(unpacked))
    assert row.values == ["x" * 700]
    assert sizes(handmade(unpacked)) == [unpacked]


@pytest.mark.parametrize("kind", [3, 7, 13])
def test_a_list_in_a_header_that_claims_ever_so_many_items_is_refused_at_once(kind: int) -> None:
    """Bytes, doubles and UUIDs, none of which a header of a page has."""
    endless = b"\x19" + bytes([0xF0 | kind]) + b"\x80" * 5 + b"\x20"
    with pytest.raises(TableError):
        parquet_rows(handmade(700, unknown=endless))


# Reads a file, and says why it was refused and by how many kB its address space grew at most: what pyarrow asks
# for without writing to it counts too. In a process of its own, as a most that others reached would hide it.
PROGRAM = """
import io, re, sys
from pathlib import Path
import pyarrow.parquet
from client_sdk.tables.columnar import ColumnarKind, columnar_batches
from client_sdk.tables.values import TableError

def most():
    return int(re.search(r"VmPeak:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

data, how = Path(sys.argv[1]).read_bytes(), sys.argv[2]
pyarrow.parquet.ParquetFile(io.BytesIO(data))
before, rule = most(), ""
try:
    if how == "measured":
        list(columnar_batches(lambda: io.BytesIO(data), ColumnarKind.PARQUET).rows())
    else:
        pyarrow.parquet.ParquetFile(io.BytesIO(data)).read(use_threads=False)
except TableError as error:
    rule = error.rule
except (OSError, ValueError):
    pass
print(rule or "-", most() - before)
"""


@pytest.mark.parametrize(("how", "rule"), [("measured", "table.size"), ("unpacked", "-")])
def test_a_page_that_claims_gigabytes_is_refused_before_it_is_unpacked(tmp_path: Path, how: str, rule: str) -> None:
    data = handmade(LARGEST)
    assert metadata_of(data).row_group(0).total_byte_size < 4_000
    assert sizes(data) == [LARGEST]
    file = tmp_path / "claims.parquet"
    file.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(file), how], check=True, capture_output=True, text=True, timeout=120
    )
    said, grown = done.stdout.split()
    assert said == rule
    # Without the look at its header, pyarrow takes what the page claims.
    assert (int(grown) > LARGEST // 1024) == (how == "unpacked"), grown
    assert how == "unpacked" or int(grown) < 256 * 1024, grown


@pytest.mark.parametrize(("claimed", "values"), [(-1, 1), (700, 2), (700, LARGEST), (700, -1)])
def test_a_page_that_says_what_cannot_be_is_refused(claimed: int, values: int) -> None:
    with pytest.raises(ValueError, match=r"more values|below 0"):
        sizes(handmade(claimed, values=values))
    with pytest.raises(TableError) as caught:
        parquet_rows(handmade(claimed, values=values))
    assert caught.value.rule == "file.form"


def test_a_file_that_says_one_page_many_times_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = parquet(pa.table({f"column {number}": ["x" * 100] for number in range(50)}), use_dictionary=False)
    metadata = metadata_of(data)
    assert len(sizes(data)) == 1

    class Again:
        """Metadata in which each row group is the first one."""

        num_row_groups = 1_000

        @staticmethod
        def row_group(_: int) -> Any:
            return metadata.row_group(0)

    with pytest.raises(ValueError, match="more pages"):
        list(parquet_groups(io.BytesIO(data), Again()))
    monkeypatch.setattr("client_sdk.tables.parquet_sizes._MOST_HEADER_BYTES", 500)
    with pytest.raises(ValueError, match="too many headers"):
        sizes(data)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"data_page_version": "2.0"},
        {"use_dictionary": False},
        {"compression": "none", "write_page_checksum": True},
        {"compression": "zstd", "row_group_size": 100, "data_page_size": 64},
    ],
)
def test_sizes_are_at_least_what_the_writer_says(how: dict[str, Any]) -> None:
    texts = [None if number % 3 else f"text {number}" for number in range(1_000)]
    data = parquet(pa.table({"reference": texts}), **how)
    metadata = metadata_of(data)
    wanted = [metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)]
    # The writer counts the headers too; the entries of a dictionary take more in memory.
    headers = 64 * 200
    assert all(most <= size + headers for most, size in zip(wanted, sizes(data), strict=True))
    assert [row.values[0] for row in parquet_rows(data)] == texts


def test_many_row_groups_and_values_of_a_fixed_length_that_is_large_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    long = pa.array([b"x" * 65_537], pa.binary(65_537))
    with pytest.raises(TableError) as caught:
        parquet_rows(parquet(pa.table({"reference": long})))
    assert caught.value.rule == "table.cell"
    monkeypatch.setattr("client_sdk.tables.columnar._MAX_GROUPS", 9)
    with pytest.raises(TableError) as caught:
        parquet_rows(parquet(pa.table({"reference": ["x"] * 10}), row_group_size=1))
    assert caught.value.rule == "table.size"


@given(st.data())
def test_a_damaged_file_is_refused_or_read(draws: st.DataObject) -> None:
    data = bytearray(parquet(pa.table({"reference": ["a", None, "b"], "list": [["x"], [], None]})))
    for _ in range(draws.draw(st.integers(1, 4))):
        data[draws.draw(st.integers(4, len(data) - 9))] = draws.draw(st.integers(0, 255))
    with suppress(TableError):
        parquet_rows(bytes(data))


@pytest.mark.parametrize("kind", [pa.json_(), pa.binary()])
def test_bytes_that_are_no_text_are_read_as_they_are_or_refused(kind: Any) -> None:
    column = pa.array([b"{}" if kind == pa.binary() else "{}"] * 3, type=kind)
    data = parquet(pa.table({"reference": column}))
    if kind == pa.binary():
        assert len(parquet_rows(data)) == 3
        return
    with pytest.raises(TableError) as caught:
        parquet_rows(data)
    assert caught.value.rule == "table.cell"
