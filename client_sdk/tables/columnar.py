"""Tables of columns: Parquet and Arrow files, and data frames of other libraries, read batch by batch and written.

A frame is taken through the Arrow interchange (``__arrow_c_stream__``), which pandas, Polars and others speak, so that
none of them is a dependency. Needs ``pyarrow``, of the extra ``files``. A damaged file may end the process that reads
it, so ``file_batches`` is called in one of its own, by ``columnar_file``.
"""

from __future__ import annotations

import errno
import math
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from client_sdk.errors import ConfigError
from client_sdk.tables.extra import library
from client_sdk.tables.values import TableError, TableRow, Unclear

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from client_sdk.tables.values import Value

__all__ = [
    "ColumnBatches",
    "ColumnarKind",
    "check_columns",
    "file_batches",
    "frame_batches",
    "numbered",
    "write_columnar",
]

# Rows that are in memory at once.
_BATCH = 4_096
_MAX_COLUMNS = 1024
_MAX_NAME = 1024
_MAX_ROWS = 20_000_000
# As in a workbook. A column that repeats one text names it once, and is much larger in memory than in its file.
_MAX_TEXT = 65_536
_MAX_ITEMS = 64
# Of the texts of the rows that are in memory at once.
_PART_BYTES = 32 * 1024 * 1024
# Of a column of a Parquet file, read at once.
_READ_BYTES = 1024 * 1024
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
        check_columns(self.names)
        self._batches, self._what = batches, what

    def rows(self) -> Iterator[TableRow]:
        """Yield its rows, the first one under number 1; errors as of ``parts``."""
        return numbered(self.parts())

    def parts(self) -> Iterator[list[list[Value]]]:
        """Yield the values of its rows, some thousand rows at a time.

        Raises:
            TableError: it is damaged, or more than any portfolio is.
        """
        with _damage(self._what):
            for batch in self._batches():
                # What is damaged may name memory that is not its own.
                batch.validate(full=True)
                step = _rows_at_once(batch)
                for start in range(0, batch.num_rows, step):
                    columns = (_cells(column) for column in batch.slice(start, step).columns)
                    yield [[_value(value) for value in values] for values in zip(*columns, strict=True)]


def numbered(parts: Iterable[list[list[Value]]]) -> Iterator[TableRow]:
    """Yield the rows of a table, the first one under number 1.

    Args:
        parts: values of its rows.

    Raises:
        TableError: there are more than any portfolio has.
    """
    number = 0
    for part in parts:
        for values in part:
            number += 1
            yield TableRow(number, values)
        _check_rows(number)


def check_columns(names: Sequence[str]) -> None:
    """Check the names of the columns of a table.

    Raises:
        TableError: there are more or longer ones than a portfolio has.
    """
    if len(names) > _MAX_COLUMNS:
        raise TableError("table.columns", got=f"more than {_MAX_COLUMNS:,} columns", want="those of a portfolio")
    if any(len(name) > _MAX_NAME for name in names):
        got = f"a column whose name has more than {_MAX_NAME:,} characters"
        raise TableError("table.columns", got=got, want="those of a portfolio")


def file_batches(file: IO[bytes], kind: ColumnarKind) -> ColumnBatches:
    """Return the table that a file holds; the process may end where it is damaged.

    Args:
        file: which can be sought in, and stays open while it is read.
        kind: its form.

    Raises:
        ConfigError: ``pyarrow`` is not installed.
        TableError: it is damaged or encrypted, or more than any portfolio is.
    """
    with _damage(kind.value):
        if kind is ColumnarKind.PARQUET:
            parquet = library("pyarrow.parquet").ParquetFile(file, buffer_size=_READ_BYTES, pre_buffer=False)
            _check_rows(parquet.metadata.num_rows)
            read = partial(parquet.iter_batches, batch_size=_BATCH, use_threads=False)
            return ColumnBatches(parquet.schema_arrow.names, read, kind.value)
        ipc = library("pyarrow.ipc")
        arrow = ipc.open_file(file, options=ipc.IpcReadOptions(use_threads=False))
        numbers = range(arrow.num_record_batches)
        return ColumnBatches(arrow.schema.names, lambda: map(arrow.get_batch, numbers), kind.value)


def _check_rows(number: int) -> None:
    if number > _MAX_ROWS:
        raise TableError("table.rows", got=f"more than {_MAX_ROWS:,} rows", want="fewer: split the file")


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
    """Return the length of the longest text of a column, of lists that of all texts of the longest list, in bytes.

    Raises:
        TableError: a list is longer than any of a portfolio.
    """
    types, compute = library("pyarrow").types, library("pyarrow.compute")
    if not _is_readable(column.type):
        return 0
    if types.is_dictionary(column.type):
        return _width(column.dictionary)
    if types.is_list(column.type) or types.is_large_list(column.type):
        longest = compute.max(compute.list_value_length(column)).as_py() or 0
        if longest > _MAX_ITEMS:
            raise TableError("table.cell", got=f"more than {_MAX_ITEMS} items in a cell", want="fewer")
        return longest * _width(column.flatten())
    if types.is_string_view(column.type) or types.is_binary_view(column.type):
        return _longest_view(column)
    if any(is_text(column.type) for is_text in _texts()):
        return compute.max(compute.binary_length(column)).as_py() or 0
    return 0


def _longest_view(column: Any) -> int:
    """Return the length of the longest text of a column of views: each begins with its length, and may share bytes."""
    if not len(column):
        # It may have no buffer at all.
        return 0
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
    damage = (arrow.ArrowException, OSError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError)
    try:
        yield
    except MemoryError:
        got = "rows that are kept together and take more memory than there is for them"
        want = "smaller row groups or record batches, or a smaller file: split it"
        raise TableError("table.size", got=got, want=want) from None
    except damage as error:
        # A place before the beginning of the file is one that a damaged file names.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise TableError("file.form", got=f"{what} that is damaged or encrypted", want=f"{what}, whole") from None
