"""Results and progress of ``report_many``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from client_sdk.kernel.formats.plain import LEFT_OUT, Plain
from client_sdk.models.quality import quality_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from client_sdk.kernel.formats.words import Kind, Standing
    from client_sdk.models.quality import QualityReport
    from client_sdk.models.row_warning import RowWarning
    from client_sdk.models.violation import Violation

__all__ = [
    "BatchReport",
    "ChangedColumn",
    "FollowedVersion",
    "Phase",
    "PreflightReport",
    "Progress",
    "ProgressCallback",
    "RejectedRow",
]


class Phase(StrEnum):
    """Phase of ``report_many``."""

    # Reading the input and holding it against the rules.
    CHECKING = "CHECKING"
    # Sending again what an interrupted call had signed.
    RESUMING = "RESUMING"
    # Pseudonyms, comparison with the registry, signing, sending.
    SENDING = "SENDING"
    DONE = "DONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Plain):
    """Progress of a call; counts are of rows of the input.

    Attributes:
        phase: what it is doing.
        done: rows whose fate is known.
        total: rows of the input; 0 while it is still being read.
    """

    phase: Phase
    done: int
    total: int


ProgressCallback: TypeAlias = "Callable[[Progress], None]"


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow(Plain):
    """A row that cannot be read, in place of a report: it is counted as rejected, and the others are sent.

    Later rows of the same record are held back: sent before the mended row, they would leave it no place in the record.

    Attributes:
        row: line of the file.
        violations: what is wrong with it.
        references: what the row may call its record, one text where its cells can be told apart; none where unknown.
        kind: of its record; None where it cannot be read.
        first_day: of its record; None where it cannot be read.
    """

    row: int
    violations: tuple[Violation, ...]
    references: tuple[str, ...] = field(default=(), repr=False, metadata=LEFT_OUT)
    kind: Kind | None = field(default=None, repr=False, metadata=LEFT_OUT)
    first_day: date | None = field(default=None, repr=False, metadata=LEFT_OUT)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ChangedColumn(Plain):
    """A column of which a further version says something else.

    Attributes:
        column: its name in a portfolio.
        held: its cell as the registry holds it; empty for nothing.
        said: its cell as the report has it.
    """

    column: str
    held: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FollowedVersion(Plain):
    """The newest version of an own live record, which a report would follow.

    Attributes:
        record_id: 16 bytes.
        version: its number.
        standing: that it says.
        changed: columns of the facts of which the report says something else, by name; none where it has no facts.
    """

    record_id: bytes
    version: int
    standing: Standing
    changed: tuple[ChangedColumn, ...]

    @property
    def uuid(self) -> UUID:
        """The record id as people write it."""
        return UUID(bytes=self.record_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightReport(Plain):
    """What the rules and the input alone say of each row; every row is in exactly one count.

    Attributes:
        rows: of the input.
        passed: rows that would be sent, or compared with what the registry holds.
        repeated: rows that say the same as an earlier row of the input; they are sent once.
        rejected_rows: rows that would not be sent.
        violations: why not, in order of rows; one entry or more a row.
        warnings: what is allowed and probably a mistake, in order of rows; it keeps no row back.
        follows: of one report that was held against the registry, what it would follow; None where it would begin a
            record, and of a portfolio.
    """

    rows: int
    passed: int
    repeated: int
    rejected_rows: int
    violations: tuple[Violation, ...]
    warnings: tuple[RowWarning, ...]
    follows: FollowedVersion | None = None

    def quality(self) -> QualityReport:
        """Return the rules that the rows break, the worst first, and the share of rows that break none."""
        return quality_of(self.rows, self.rejected_rows, self.violations, self.warnings)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReport(Plain):
    """Result of a batch; every row is in exactly one count.

    Attributes:
        rows: of the input.
        records: different records that the rows are versions of.
        accepted: rows logged by this call.
        repeated: rows that the registry held already, or that say the same as an earlier row of the input. The row that
            says what the newest version says is compared; those before it count as the versions below, unless there are
            more of them than versions.
        ended: rows of records that are no longer live and end otherwise here; not sent.
        erased: rows of records that were erased; not sent.
        rejected: rows that break a rule, with row, reason, field, rule, got and want; one entry or more a row.
        rejected_rows: how many rows that are.
        seconds: wall-clock time.
        signatures: that this call made; fewer than it signed versions where one stands for many.
        notes: row numbers of what was ended or erased, to look at.
        warnings: what is allowed and probably a mistake, by row; also against what the registry held.
    """

    rows: int
    records: int
    accepted: int
    repeated: int
    ended: int
    erased: int
    rejected: tuple[Violation, ...]
    rejected_rows: int
    seconds: float
    signatures: int = 0
    notes: tuple[Violation, ...] = field(default=())
    warnings: tuple[RowWarning, ...] = field(default=())

    @property
    def complete(self) -> bool:
        """Whether the registry now holds every row."""
        return self.accepted + self.repeated == self.rows


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack(Plain):
    """Result of sending once more what a registry may have lost.

    Attributes:
        sent: newest versions of records that this home has kept.
        held: of these, which the registry holds now.
        refused: why it does not take the others, such as of records that were erased.
    """

    sent: int
    held: int
    refused: tuple[Violation, ...]
