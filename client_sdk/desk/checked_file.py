"""A portfolio that was held against the rules: what becomes of each row, page by page."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.desk.dropped import bounded
from client_sdk.desk.prepared import money_of
from client_sdk.lending.preflight import MAX_REFERENCE_CHARACTERS
from client_sdk.models import Kind, RejectedRow, Standing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from client_sdk.client import Client
    from client_sdk.desk.dropped import DroppedFile
    from client_sdk.desk.settings import ApprovalSettings
    from client_sdk.models import PreflightReport, Report, RowWarning, Violation

__all__ = ["CheckedFile", "CheckedRow", "RowChoice", "RowFate", "check_file", "holds_one"]

_REPEATED = "row.repeated"
# Records that are asked for at one time.
_LISTED = 1_000


class RowFate(StrEnum):
    """What becomes of a row."""

    SENT = "SENT"
    # An earlier row says the same.
    REPEATED = "REPEATED"
    REJECTED = "REJECTED"


class RowChoice(StrEnum):
    """Which rows a page shows."""

    ALL = "all"
    REJECTED = "rejected"
    WARNED = "warned"


class CheckedRow(NamedTuple):
    """One row.

    Attributes:
        number: by which people find it in their file.
        kind: of its record; None where it cannot be read.
        standing: of its record; None where it cannot be read.
        reference: the lender's own name of the record, as long as one may be; empty where it cannot be read.
        amount: currency, and total in minor units, of what is owed or was applied for; None where none can be read.
    """

    number: int
    kind: Kind | None
    standing: Standing | None
    reference: str
    amount: tuple[str, int] | None = None


@dataclass(frozen=True, repr=False)
class CheckedFile:
    """A portfolio that was held against the rules; nothing was sent.

    Attributes:
        file: as it was dropped.
        form: what it is, in words such as ``UTF-8 with commas``.
        rows: of the file, in order.
        found: what is wrong or odd in it.
        waits: whether another person than who dropped it has to send it.
        records: ids of the records that its rows may be versions of; none where nobody asks, or it waits.
    """

    file: DroppedFile
    form: str
    rows: Sequence[CheckedRow]
    found: PreflightReport
    waits: bool
    records: Sequence[bytes]
    violations: Mapping[int, Sequence[Violation]] = field(init=False)
    warnings: Mapping[int, Sequence[RowWarning]] = field(init=False)

    def __post_init__(self) -> None:
        """Sort what was found by row."""
        violations, warnings = defaultdict(list), defaultdict(list)
        for item in self.found.violations:
            violations[item.row].append(item)
        for warning in self.found.warnings:
            warnings[warning.row].append(warning)
        object.__setattr__(self, "violations", dict(violations))
        object.__setattr__(self, "warnings", dict(warnings))

    def fate(self, row: CheckedRow) -> RowFate:
        """Return what becomes of a row."""
        if row.number in self.violations:
            return RowFate.REJECTED
        repeated = any(warning.rule == _REPEATED for warning in self.warnings.get(row.number, ()))
        return RowFate.REPEATED if repeated else RowFate.SENT

    @cached_property
    def kinds(self) -> tuple[tuple[tuple[Kind, Standing], int], ...]:
        """Of each kind and standing, how many rows would be sent."""
        sent = [row for row in self.rows if self.fate(row) is RowFate.SENT]
        counts = Counter((row.kind, row.standing) for row in sent if row.kind is not None and row.standing is not None)
        return tuple(sorted(counts.items()))

    @cached_property
    def amounts(self) -> tuple[tuple[str, int, int], ...]:
        """Of each currency, the smallest and the largest amount of a row that would be sent, in minor units."""
        totals = defaultdict(list)
        for row in self.rows:
            if row.amount is not None and self.fate(row) is RowFate.SENT:
                currency, total = row.amount
                totals[currency].append(total)
        return tuple((currency, min(found), max(found)) for currency, found in sorted(totals.items()))

    def chosen(self, which: RowChoice) -> Sequence[CheckedRow]:
        """Return the rows that a page shows."""
        match which:
            case RowChoice.ALL:
                return self.rows
            case RowChoice.REJECTED:
                return [row for row in self.rows if row.number in self.violations]
            case RowChoice.WARNED:
                return [row for row in self.rows if row.number in self.warnings]


def check_file(
    client: Client, file: DroppedFile, approval: ApprovalSettings, tell: Callable[[int], None]
) -> CheckedFile:
    """Hold a portfolio against the rules; nothing is signed or sent.

    Args:
        client: of the lender.
        file: to be checked.
        approval: what waits for another person.
        tell: called with the number of rows that were read, now and then.

    Raises:
        PreflightError: it is no portfolio, or has too many rows.
        CreditRegistryError: as for ``Client.preflight``.
    """
    portfolio = file.portfolio()
    rows: list[CheckedRow] = []
    asked = _AskedRows(client, approval)
    found = client.preflight(_noted(bounded(portfolio.steps(), tell), rows, asked))
    waits = asked.waits or holds_one(client, asked.records)
    return CheckedFile(file, portfolio.form, rows, found, waits=waits, records=() if waits else asked.records)


def holds_one(client: Client, records: Sequence[bytes]) -> bool:
    """Whether the registry holds one of some records, with facts that nobody has opened.

    Args:
        client: of the lender.
        records: their ids.

    Raises:
        CreditRegistryError: as for ``Client.records``.
    """
    parts = (records[start : start + _LISTED] for start in range(0, len(records), _LISTED))
    return any(next(client.records(part), None) is not None for part in parts)


@dataclass(slots=True)
class _AskedRows:
    """Whether a row waits for another person; one without amounts, such as a withdrawal, does."""

    client: Client
    approval: ApprovalSettings
    waits: bool = False
    # Where a row is a version of a record that is held, that one's amounts decide as well.
    records: list[bytes] = field(default_factory=list)

    def take(self, report: Report) -> None:
        """Look at a row."""
        if self.waits or not self.approval.wanted:
            return
        self.waits = self.approval.asks(money_of(report.facts))
        if report.name is not None:
            # The registry knows a later attempt where it knows the first one.
            self.records.append(self.client.record_id(report.name))


def _noted(
    items: Iterable[Report | RejectedRow], rows: list[CheckedRow], asked: _AskedRows
) -> Iterator[Report | RejectedRow]:
    """Yield what was read, and note of each row what a page shows: the reports themselves are not kept."""
    for place, item in enumerate(items, start=1):
        if isinstance(item, RejectedRow):
            reference = item.references[0] if len(item.references) == 1 else ""
            rows.append(CheckedRow(item.row, item.kind, None, reference))
        else:
            money = money_of(item.facts)
            amount = (money[0].currency, money[0].total) if money else None
            # A longer one is refused, and thousands of them would fill the memory.
            reference = item.reference[:MAX_REFERENCE_CHARACTERS]
            rows.append(CheckedRow(item.row or place, item.kind, item.standing, reference, amount))
            asked.take(item)
        yield item
