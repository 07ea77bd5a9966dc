"""A file of many persons that was dropped onto a page: it lies in memory alone, and is read as the command reads it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeVar

from client_sdk.desk.form_values import FieldError
from client_sdk.desk.texts import N_
from client_sdk.errors import ConfigError, PreflightError
from client_sdk.lending.files import Encoding, customer_steps, headings_of, read_portfolio, sheets_of
from client_sdk.lending.mapping import parse_mapping
from client_sdk.lending.refusal import refused
from client_sdk.lending.rejections import rows_as_they_were

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from client_sdk.desk.form import Form
    from client_sdk.lending.columns import CustomerRow
    from client_sdk.lending.files import Portfolio
    from client_sdk.lending.mapping import ColumnMapping
    from client_sdk.lending.rejections import RowsAsTheyWere
    from client_sdk.models import RejectedRow

__all__ = ["DROPPED_BYTES", "MOST_ROWS", "DroppedFile", "bounded"]

T = TypeVar("T")

# Of a form with a file and its mapping.
DROPPED_BYTES = 64 * 1024 * 1024
MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True, repr=False)
class DroppedFile:
    """A file, and how it is read.

    Attributes:
        content: its bytes; they hold identity numbers.
        encoding: of its text; None finds it out.
        sheet: of a workbook, by name or place; None for the only one.
        mapping: of its own headings; None where these are columns.
    """

    content: bytes
    encoding: Encoding | None = None
    sheet: str | None = None
    mapping: ColumnMapping | None = None

    @classmethod
    def of_form(cls, form: Form) -> Self:
        """Return the file that a form sends.

        Raises:
            FieldError: there is none, or its mapping is not in order.
        """
        content = form.file("file")
        if not content:
            raise FieldError("file", N_("Choose a file that is not empty."))
        named = form.text("encoding")
        if named and named not in tuple(Encoding):
            raise FieldError("encoding", N_("Choose one of the list."))
        return cls(content, Encoding(named) if named else None, form.text("sheet") or None, _mapping(form))

    def portfolio(self) -> Portfolio:
        """Open it as a portfolio; errors as for ``read_portfolio``."""
        source = io.BytesIO(self.content)
        return read_portfolio(source, encoding=self.encoding, sheet=self.sheet, mapping=self.mapping)

    def customers(self) -> Iterator[CustomerRow | RejectedRow | None]:
        """Yield its customers, and None for each empty row; errors as for ``read_customers``."""
        source = io.BytesIO(self.content)
        return customer_steps(source, encoding=self.encoding, sheet=self.sheet, mapping=self.mapping)

    def headings(self) -> tuple[str, ...]:
        """Return the headings of its columns; none where they cannot be read."""
        try:
            return tuple(headings_of(io.BytesIO(self.content), encoding=self.encoding, sheet=self.sheet))
        except PreflightError:
            return ()

    def sheets(self) -> tuple[str, ...]:
        """Return the names of the sheets of a workbook that are shown; none of another file."""
        return tuple(sheets_of(io.BytesIO(self.content)))

    def rows(self, numbers: Collection[int]) -> RowsAsTheyWere:
        """Return some of its rows in its own columns; errors as for ``read_portfolio``."""
        source = io.BytesIO(self.content)
        return rows_as_they_were(source, numbers, encoding=self.encoding, sheet=self.sheet, mapping=self.mapping)


def bounded(rows: Iterable[T | None], tell: Callable[[int], None]) -> Iterator[T]:
    """Yield the rows that are not empty; all are counted, and are at most as many as the desk holds in memory.

    Args:
        rows: of a file, None for an empty one.
        tell: called with the number of rows so far at each of them; what it raises ends the reading.

    Raises:
        PreflightError: there are more.
    """
    is_empty = True
    for count, row in enumerate(rows, start=1):
        if count > MOST_ROWS:
            want = f"at most {MOST_ROWS:,} rows at the desk, empty ones too: split it, or `credit-registry report FILE`"
            raise refused(count, "file", "file.rows", want, got="more rows")
        tell(count)
        if row is not None:
            is_empty = False
            yield row
    if is_empty:
        raise refused(1, "file", "file.rows", "at least one row behind the header", got="no row")


def _mapping(form: Form) -> ColumnMapping | None:
    raw = form.file("mapping")
    if not raw:
        return None
    try:
        return parse_mapping(raw, "mapping")
    except ConfigError:
        raise FieldError(
            "mapping", N_("This mapping is not in order: `credit-registry report FILE --mapping-template` makes one.")
        ) from None
