"""Counts of results by row, with progress reports."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from client_sdk.models.batch import BatchReport, Phase, Progress
from client_sdk.models.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client_sdk.lending.chains import Plan, Row
    from client_sdk.models.batch import ProgressCallback
    from client_sdk.models.row_warning import RowWarning

__all__ = ["Tally"]


@dataclass(slots=True)
class Tally:
    """Counts and results of the rows of one call; changed by one thread at a time.

    Attributes:
        progress: called after each step, unless None.
        signatures: made so far.
    """

    progress: ProgressCallback | None
    rows: int = 0
    records: int = 0
    accepted: int = 0
    repeated: int = 0
    ended: int = 0
    erased: int = 0
    rejected_rows: int = 0
    signatures: int = 0
    rejected: list[Violation] = field(default_factory=list)
    notes: list[Violation] = field(default_factory=list)
    warnings: set[RowWarning] = field(default_factory=set)
    _started: float = field(default_factory=time.monotonic)

    def planned(self, plan: Plan) -> None:
        """Take the rows of a plan, of which some are rejected already."""
        self.rows = plan.rows
        self.records = plan.records
        self.rejected_rows = plan.rejected_rows
        self.rejected += plan.rejected
        self.repeated += plan.repeated
        self.warnings.update(plan.warnings)

    def reject(self, violations: Iterable[Violation]) -> None:
        """Count one row as rejected."""
        self.rejected_rows += 1
        self.rejected += violations

    def note_ended(self, row: Row, standing: str) -> None:
        """Count one row of a record that is no longer live and ends otherwise here."""
        self.ended += 1
        self.notes.append(_note(row, "RECORD_ENDED", got=standing, want="a live record, or a further attempt"))

    def note_erased(self, row: Row) -> None:
        """Count one row of a record that was erased."""
        self.erased += 1
        self.notes.append(_note(row, "RECORD_ERASED", want="a record that was not erased"))

    @property
    def done(self) -> int:
        """Rows whose fate is known."""
        return self.accepted + self.repeated + self.ended + self.erased + self.rejected_rows

    def tell(self, phase: Phase) -> None:
        """Report the progress."""
        if self.progress is not None:
            self.progress(Progress(phase=phase, done=self.done, total=self.rows))

    def report(self) -> BatchReport:
        """Return the counts; violations are in order of rows."""
        return BatchReport(
            rows=self.rows,
            records=self.records,
            accepted=self.accepted,
            repeated=self.repeated,
            ended=self.ended,
            erased=self.erased,
            rejected=tuple(sorted(self.rejected, key=lambda violation: violation.row)),
            rejected_rows=self.rejected_rows,
            seconds=time.monotonic() - self._started,
            signatures=self.signatures,
            notes=tuple(sorted(self.notes, key=lambda violation: violation.row)),
            warnings=tuple(sorted(self.warnings, key=lambda warning: (warning.row, warning.column, warning.rule))),
        )


def _note(row: Row, reason: str, *, got: str = "", want: str) -> Violation:
    return Violation(row=row.number, reason=reason, field="record", rule="record.live", got=got, want=want)
