"""Tables of columns: Parquet and Arrow files, and data frames of other libraries, read batch by batch and written.

A frame is taken through the Arrow interchange (``__arrow_c_stream__``), which pandas, Polars and others speak, so that
none of them is a dependency. Needs ``pyarrow``, of the extra ``files``.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import IO, TYPE_CHECKING, Any

from client_sdk.errors import ConfigError
from client_sdk.tables.arrow_sizes import arrow_batches
from client_sdk.tables.extra import library
from client_sdk.tables.parquet_sizes import parquet_groups
from client_sdk.tables.values import TableError, TableRow, Unclear

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from client_sdk.tables.values import Value

__all__ = ["ColumnBatches", "ColumnarKind", "columnar_batches", "frame_batches", "write_columnar"]

# Rows that are in memory at once.
_BATCH = 4_096
_MAX_COLUMNS = 1024
_MAX_ROWS = 20_000_000
# Logical types of texts in Parquet.
_TEXTS = ("STRING", "NONE")
# As in a workbook. A column that repeats one text names it once, and is much larger in memory than in its file.
_MAX_TEXT = 65_536
_MAX_ITEMS = 64
# Of the texts of the rows that are in memory at once.
_PART_BYTES = 32 * 1024 * 1024
# Of the rows that a file keeps together, unpacked, and of the texts that they share.
_MAX_GROUP_BYTES = 512 * 1024**2
# Of a Parquet file; some may be empty.
_MAX_GROUPS = 100_000
# Of 32 bits, in the view of a text.
_VIEW_NUMBERS = 4
_OF_ANOTHER_TYPE = Unclear("cell.type", "a value of another type", "text, a whole number or a day")


class ColumnarKind(Enum):
    """The form of a file."""

    PARQUET = "a Parquet file"
    ARROW = "an Arrow file"


class ColumnBatches:
    """A table of columns that may be gone through again and again.

    Args:
        names: of its columns.
        batches: begins to read its rows; yields record batches of ``pyarrow``.
        what: it is, for errors.

    Raises:
        TableError: it has too many columns.
    """

    def __init__(self, names: Sequence[str], batches: Callable[[], Iterator[Any]], what: str) -> None:
        self.names = [str(name) for name in names]
        self._batches, self._what = batches, what
        if len(self.names) > _MAX_COLUMNS:
            raise TableError("table.columns", got=f"more than {_MAX_COLUMNS:,} columns", want="those of a portfolio")

    def rows(self) -> Iterator[TableRow]:
        """Yield its rows, the first one under number 1.

        Raises:
            TableError: it is damaged, or has too many rows.
        """
        number = 0
        with _damage(self._what):
            for batch in self._batches():
                # What is damaged may name memory that is not its own.
                batch.validate(full=True)
                step = _rows_at_once(batch)
                for start in range(0, batch.num_rows, step):
                    part = batch.slice(start, step)
                    for values in zip(*(_cells(column) for column in part.columns), strict=True):
                        number += 1
                        yield TableRow(number, [_value(value) for value in values])
                    _check_rows(number)


def columnar_batches(open_: Callable[[], IO[bytes]], kind: ColumnarKind) -> ColumnBatches:
    """Return the table that a file holds.

    Args:
        open_: opens its bytes, which can be sought in, each time from their start.
        kind: its form.

    Raises:
        ConfigError: ``pyarrow`` is not installed.
        TableError: it is damaged or encrypted, or has too many columns.
    """
    with open_() as file, _damage(kind.value):
        if kind is ColumnarKind.ARROW:
            _check_arrow(file)
        names = _names(file, kind)

    def batches() -> Iterator[Any]:
        with open_() as file:
            if kind is ColumnarKind.PARQUET:
                yield from _parquet(file).iter_batches(batch_size=_BATCH)
                return
            table = library("pyarrow.ipc").open_file(file)
            yield from map(table.get_batch, range(table.num_record_batches))

    return ColumnBatches(names, batches, kind.value)


def _check_arrow(file: IO[bytes]) -> None:
    """Check how large an Arrow file is unpacked.

    Raises:
        TableError: more than any portfolio is.
    """
    rows = shared = 0
    for batch in arrow_batches(file):
        rows += 0 if batch.is_dictionary else batch.rows
        shared += batch.unpacked if batch.is_dictionary else 0
        _check_rows(rows)
        size = shared if batch.is_dictionary else shared + batch.unpacked
        _check_size(size, want="smaller record batches, or a smaller file: split it")
    file.seek(0)


def _check_rows(number: int) -> None:
    if number > _MAX_ROWS:
        raise TableError("table.rows", got=f"more than {_MAX_ROWS:,} rows", want="fewer: split the file")


def _check_size(size: int, *, want: str) -> None:
    if size > _MAX_GROUP_BYTES:
        got = f"more than {_MAX_GROUP_BYTES // 1024**2} MiB of rows that are kept together"
        raise TableError("table.size", got=got, want=want)


def _parquet(file: IO[bytes]) -> Any:
    """Open a Parquet file whose texts are not repeated in memory.

    Raises:
        TableError: what it says of its sizes is more than any portfolio has.
    """
    parquet = library("pyarrow.parquet")
    metadata = parquet.ParquetFile(file).metadata
    _check_parquet(file, metadata)
    columns = [metadata.schema.column(place) for place in range(len(metadata.schema))]
    if sum(one.length for one in columns if one.physical_type == "FIXED_LEN_BYTE_ARRAY") > _MAX_TEXT:
        got = f"values of more than {_MAX_TEXT:,} bytes in a row"
        raise TableError("table.cell", got=got, want="a cell for each thing that a portfolio tells")
    texts = [one for one in columns if one.physical_type == "BYTE_ARRAY"]
    if any(one.logical_type.type not in _TEXTS for one in texts):
        # Their values would be repeated in memory, each as often as it stands in the table.
        got = "a column of bytes that are no text"
        raise TableError("table.cell", got=got, want="texts, numbers, days and times: save that column as one of them")
    file.seek(0)
    return parquet.ParquetFile(file, read_dictionary=[one.path for one in texts])


def _check_parquet(file: IO[bytes], metadata: Any) -> None:
    """Check how large a Parquet file is unpacked, whatever its end says of it.

    Raises:
        TableError: more than any portfolio is.
    """
    _check_rows(metadata.num_rows)
    if metadata.num_row_groups > _MAX_GROUPS:
        raise TableError("table.size", got=f"more than {_MAX_GROUPS:,} row groups", want="larger row groups")
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        most = _MAX_ITEMS * max(group.num_rows, 1)
        if any(group.column(place).num_values > most for place in range(group.num_columns)):
            raise TableError("table.cell", got=f"more than {_MAX_ITEMS} items in a cell", want="fewer")
    for unpacked in parquet_groups(file, metadata):
        _check_size(unpacked, want="smaller row groups, or a smaller file: split it")


def _rows_at_once(batch: Any) -> int:
    """Return how many rows of a batch are in memory at once.

    Raises:
        TableError: a text is longer than any of a portfolio.
    """
    widths = [_width(column) for column in batch.columns]
    if max(widths, default=0) > _MAX_TEXT:
        got = f"more than {_MAX_TEXT:,} bytes of text in a cell"
        raise TableError("table.cell", got=got, want="a cell for each thing that a portfolio tells")
    return max(1, min(_BATCH, _PART_BYTES // (sum(widths) + 1)))


def _width(column: Any) -> int:
    """Return the length of the longest text of a column, of lists that of all texts of the longest list, in bytes."""
    types, compute = library("pyarrow").types, library("pyarrow.compute")
    if not _is_readable(column.type):
        return 0
    if types.is_dictionary(column.type):
        return _width(column.dictionary)
    if types.is_list(column.type) or types.is_large_list(column.type):
        return (compute.max(compute.list_value_length(column)).as_py() or 0) * _width(column.flatten())
    if types.is_string_view(column.type) or types.is_binary_view(column.type):
        return _longest_view(column)
    if any(is_text(column.type) for is_text in _texts()):
        return compute.max(compute.binary_length(column)).as_py() or 0
    return 0


def _longest_view(column: Any) -> int:
    """Return the length of the longest text of a column of views: each begins with its length, and may share bytes."""
    views = memoryview(column.buffers()[1]).cast("B").cast("i")
    first = column.offset * _VIEW_NUMBERS
    return max(views[first : first + len(column) * _VIEW_NUMBERS : _VIEW_NUMBERS].tolist(), default=0)


def _texts() -> tuple[Callable[[Any], bool], ...]:
    types = library("pyarrow").types
    return types.is_string, types.is_large_string, types.is_binary, types.is_large_binary


def _is_readable(type_: Any) -> bool:
    """Whether a column holds what a cell of a portfolio may: single values, or lists of them."""
    types = library("pyarrow").types
    if types.is_list(type_) or types.is_large_list(type_):
        type_ = type_.value_type
    if types.is_dictionary(type_):
        type_ = type_.value_type
    flat = (types.is_null, types.is_primitive, types.is_decimal, types.is_string_view, types.is_binary_view, *_texts())
    return any(is_flat(type_) for is_flat in flat)


def _cells(column: Any) -> list[object]:
    """Return what stands in a part of a column; of another type only that something does."""
    if not _is_readable(column.type):
        return [_OF_ANOTHER_TYPE if valid else None for valid in column.is_valid().to_pylist()]
    plain = column.dictionary_decode() if library("pyarrow").types.is_dictionary(column.type) else column
    return list(plain.to_pylist())


def _names(file: IO[bytes], kind: ColumnarKind) -> list[str]:
    if kind is ColumnarKind.PARQUET:
        return list(library("pyarrow.parquet").ParquetFile(file).schema_arrow.names)
    return list(library("pyarrow.ipc").open_file(file).schema.names)


def frame_batches(frame: object) -> ColumnBatches:
    """Return the table that a data frame of another library holds.

    Args:
        frame: an object with ``__arrow_c_stream__``, such as a frame of pandas or Polars, or a table of Arrow.

    Raises:
        ConfigError: ``pyarrow`` is not installed, or it is no such object.
        TableError: it has too many columns.
    """
    arrow = library("pyarrow")
    if not hasattr(frame, "__arrow_c_stream__"):
        kind = type(frame).__name__
        raise ConfigError(f"frame: want one that speaks the Arrow interchange, as of pandas or Polars, got {kind}")
    with _damage("a data frame"):
        table = arrow.table(frame)
    return ColumnBatches(table.schema.names, lambda: iter(table.to_batches()), "a data frame")


def write_columnar(
    file: IO[bytes], kind: ColumnarKind, columns: Sequence[tuple[str, type]], rows: Iterable[Sequence[Value]]
) -> int:
    """Write a table; return the number of its rows.

    Args:
        file: to write to.
        kind: its form.
        columns: names and types: ``str``, ``int``, ``date`` or ``datetime``, the last with its offset.
        rows: values of those types, or None.

    Raises:
        ConfigError: ``pyarrow`` is not installed.
    """
    arrow = library("pyarrow")
    types = {str: arrow.string(), int: arrow.int64(), date: arrow.date32(), datetime: arrow.timestamp("ms", "UTC")}
    schema = arrow.schema([(name, types[type_]) for name, type_ in columns])
    writer = (
        library("pyarrow.parquet").ParquetWriter(file, schema)
        if kind is ColumnarKind.PARQUET
        else arrow.ipc.new_file(file, schema)
    )
    count = 0
    with writer:
        for batch in _batched(rows):
            values = zip(*batch, strict=True)
            arrays = [arrow.array(column, field.type) for column, field in zip(values, schema, strict=True)]
            writer.write_batch(arrow.record_batch(arrays, schema=schema))
            count += len(batch)
    return count


def _batched(rows: Iterable[Sequence[Value]]) -> Iterator[list[Sequence[Value]]]:
    batch: list[Sequence[Value]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _value(value: object) -> Value:
    """Return a value of Arrow as the cell of a table."""
    if value is None or isinstance(value, str | Decimal | date):
        return _midnight(value) if isinstance(value, datetime) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        # What is missing in a column of numbers.
        return None if math.isnan(value) else _fraction(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [str(item) for item in value]
    if isinstance(value, time):
        return Unclear("cell.type", "a time without a day", _OF_ANOTHER_TYPE.want)
    return _OF_ANOTHER_TYPE


def _fraction(value: float) -> Value:
    if math.isinf(value):
        return Unclear("cell.number", "a number without an end", "a number")
    # More digits are noise of binary fractions.
    return Decimal(f"{value:.15g}")


def _midnight(value: datetime) -> Value:
    """Return a time that no zone moves to another day as the day that it begins."""
    if value.tzinfo is None and value.time() == time():
        return value.date()
    return value


@contextmanager
def _damage(what: str) -> Iterator[None]:
    """Turn what the library says of bytes that it cannot read into a ``TableError``; it may hold what they say."""
    arrow = library("pyarrow")
    try:
        yield
    except (arrow.ArrowException, OSError, ValueError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise TableError("file.form", got=f"{what} that is damaged or encrypted", want=f"{what}, whole") from None
