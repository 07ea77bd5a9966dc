"""A file of many persons that was dropped onto a page: it lies in memory alone, and is read as the command reads it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeVar

from client_sdk.desk.form_values import FieldError
from client_sdk.desk.texts import N_
from client_sdk.errors import ConfigError
from client_sdk.lending.files import Encoding, read_customers, read_portfolio
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
# Rows between two looks at whether to go on.
_STEP = 500


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

    def customers(self) -> Iterator[CustomerRow | RejectedRow]:
        """Yield its customers; errors as for ``read_customers``."""
        source = io.BytesIO(self.content)
        return read_customers(source, encoding=self.encoding, sheet=self.sheet, mapping=self.mapping)

    def rows(self, numbers: Collection[int]) -> RowsAsTheyWere:
        """Return some of its rows in its own columns; errors as for ``read_portfolio``."""
        source = io.BytesIO(self.content)
        return rows_as_they_were(source, numbers, encoding=self.encoding, sheet=self.sheet, mapping=self.mapping)


def bounded(rows: Iterable[T], tell: Callable[[int], None]) -> Iterator[T]:
    """Yield rows, as many as the desk holds in memory.

    Args:
        rows: of a file.
        tell: called with their number now and then.

    Raises:
        PreflightError: there are more.
    """
    count = 0
    for count, row in enumerate(rows, start=1):
        if count > MOST_ROWS:
            want = f"at most {MOST_ROWS:,} rows at the desk: split it, or `credit-registry report FILE`"
            raise refused(count, "file", "file.rows", want, got="more")
        if count % _STEP == 0:
            tell(count)
        yield row
    if not count:
        raise refused(1, "file", "file.rows", "at least one row behind the header", got="no row")
    tell(count)


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
