"""Arrow files that are small and would unpack to much are refused before they are unpacked."""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.tables.arrow_sizes import arrow_batches
from client_sdk.tables.columnar import ColumnarKind, columnar_batches
from client_sdk.tables.values import TableError, Unclear

if TYPE_CHECKING:
    from typing import Literal

    from client_sdk.tables.arrow_sizes import ArrowBatch
    from client_sdk.tables.values import TableRow


def arrow(*batches: Any, compression: str | None = "zstd") -> bytes:
    """An Arrow file."""
    file = io.BytesIO()
    with pa.ipc.new_file(file, batches[0].schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return file.getvalue()


def arrow_rows(data: bytes) -> list[TableRow]:
    return list(columnar_batches(lambda: io.BytesIO(data), ColumnarKind.ARROW).rows())


def test_an_arrow_file_that_unpacks_to_gigabytes_is_refused_before_it_is_unpacked() -> None:
    length = 3_000_000
    texts = pa.record_batch({"reference": pa.array(["x" * length])})
    data = arrow(texts)
    assert len(data) < 2_000
    # The length of the text, and how zstd begins.
    told, begun = length.to_bytes(8, "little"), b"\x28\xb5\x2f\xfd"
    assert data.count(told + begun) == 1
    for claimed, rule in ((2**29 + 1, "table.size"), (2**40, "table.size"), (-2, "file.form")):
        with pytest.raises(TableError) as caught:
            arrow_rows(data.replace(told + begun, claimed.to_bytes(8, "little", signed=True) + begun))
        assert caught.value.rule == rule
    with pytest.raises(TableError) as caught:
        arrow_rows(data)
    assert caught.value.rule == "table.cell"


def refused(data: bytes) -> None:
    with pytest.raises(TableError) as caught:
        arrow_rows(data)
    assert caught.value.rule == "file.form"


def replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    """The file with other bytes in place of those, which stand in it once."""
    assert data.count(old) == 1
    assert len(old) == len(new)
    return data.replace(old, new)


@pytest.mark.parametrize(("compression", "begin", "length"), [(None, 16, 1_337), ("zstd", 32, 31)])
@pytest.mark.parametrize("claimed", [-1, -(2**40), -(2**63), 2**40, 2**63 - 1])
def test_buffers_of_an_arrow_file_that_are_not_in_it_are_refused(
    compression: str | None, begin: int, length: int, claimed: int
) -> None:
    data = arrow(pa.record_batch({"reference": pa.array(["x" * 1_000, "y" * 337])}), compression=compression)
    # The buffer of the texts: its place in the body, and its length there.
    true = struct.pack("<qq", begin, length)
    for place, size in ((begin, claimed), (claimed, length)):
        refused(replaced(data, true, struct.pack("<qq", place, size)))
        with pytest.raises(ValueError, match="outside of the file"):
            sizes(replaced(data, true, struct.pack("<qq", place, size)))


def test_an_arrow_file_with_fewer_rows_than_none_is_refused() -> None:
    rows = 54_321
    data = arrow(pa.record_batch({"reference": pa.nulls(rows)}))
    # The number of the batch stands before that of its column.
    place = data.index(struct.pack("<q", rows))
    with pytest.raises(ValueError, match="rows below 0"):
        sizes(data[:place] + struct.pack("<q", -rows) + data[place + 8 :])


def test_an_arrow_file_that_names_one_message_many_times_is_refused() -> None:
    batches = 50
    data = arrow(*(pa.record_batch({f"column {number}": ["x"] for number in range(200)}) for _ in range(batches)))
    assert len(sizes(data)) == batches
    (length,) = struct.unpack("<i", data[-10:-6])
    footer = data[-10 - length :]
    # The footer ends with a block of each batch: place and length of its message, and length of its body.
    blocks = footer.index(struct.pack("<q", data.index(b"\xff\xff\xff\xff", 100)))
    place, metadata, _, body = struct.unpack_from("<qiiq", footer, blocks)
    assert metadata > 10_000
    same = footer[blocks : blocks + 24] * batches
    short = data[: place + metadata + body] + footer[:blocks] + same + footer[blocks + len(same) :]
    assert batches * metadata > 10 * len(short)
    with pytest.raises(ValueError, match="more metadata"):
        sizes(short)


def test_an_arrow_file_with_too_many_buffers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = arrow(*(pa.record_batch({"reference": ["x"]}) for _ in range(10)))
    # Three of each batch.
    monkeypatch.setattr("client_sdk.tables.arrow_sizes._MOST_BUFFERS", 30)
    assert len(sizes(data)) == 10
    monkeypatch.setattr("client_sdk.tables.arrow_sizes._MOST_BUFFERS", 29)
    with pytest.raises(ValueError, match="too many buffers"):
        sizes(data)


def sizes(data: bytes) -> list[ArrowBatch]:
    return list(arrow_batches(io.BytesIO(data)))


def test_arrow_files_with_too_many_rows_or_texts_that_are_shared_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = pa.record_batch({"reference": pa.nulls(15_000_000)})
    data = arrow(nothing, nothing)
    assert len(data) < 2_000
    with pytest.raises(TableError) as caught:
        arrow_rows(data)
    assert caught.value.rule == "table.rows"
    shared = pa.record_batch({"reference": pa.array(["x" * 60_000, "y" * 60_000]).dictionary_encode()})
    assert [len(str(row.values[0])) for row in arrow_rows(arrow(shared))] == [60_000, 60_000]
    monkeypatch.setattr("client_sdk.tables.columnar._MAX_GROUP_BYTES", 100_000)
    with pytest.raises(TableError) as caught:
        arrow_rows(arrow(shared))
    assert caught.value.rule == "table.size"


def test_values_that_share_one_text_fill_no_memory() -> None:
    rows, text = 4_096, b"x" * 1_000_000
    view = len(text).to_bytes(4, "little") + text[:4] + bytes(8)
    views = pa.Array.from_buffers(pa.string_view(), rows, [None, pa.py_buffer(view * rows), pa.py_buffer(text)])
    with pytest.raises(TableError) as caught:
        arrow_rows(arrow(pa.record_batch({"reference": views})))
    assert caught.value.rule == "table.cell"
    one = pa.array([text.decode()]).dictionary_encode()
    repeated = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), one.dictionary)
    nested = pa.StructArray.from_arrays([repeated], ["text"])
    assert {row.values[0] for row in arrow_rows(arrow(pa.record_batch({"reference": nested})))} == {
        Unclear("cell.type", "a value of another type", "text, a whole number or a day")
    }


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_arrow_files_of_other_programs_are_read(compression: Literal["lz4", "zstd"] | None) -> None:
    frame = pl.DataFrame(
        {"reference": ["loan-1", "a name that is longer than a view holds", None], "days": [1, 2, None]}
    )
    file = io.BytesIO()
    frame.write_ipc(file, compression=compression or "uncompressed")
    assert [tuple(row.values) for row in arrow_rows(file.getvalue())] == frame.rows()


@given(st.data())
def test_the_sizes_of_a_damaged_arrow_file_are_refused_or_told(data: st.DataObject) -> None:
    whole = bytearray(arrow(pa.record_batch({"a": ["x"], "b": pa.array(["y"]).dictionary_encode()})))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ValueError):
        assert all(isinstance(batch.rows, int) for batch in arrow_batches(io.BytesIO(whole)))


def test_a_batch_whose_own_metadata_may_compress_it_is_refused() -> None:
    batch = pa.record_batch({"reference": ["a"]})
    file = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(metadata_version=pa.ipc.MetadataVersion.V4)
    with pa.ipc.new_file(file, batch.schema, options=options) as writer:
        writer.write_batch(batch, custom_metadata={b"ARROW:experimental_compression": b"zstd"})
    refused(file.getvalue())
