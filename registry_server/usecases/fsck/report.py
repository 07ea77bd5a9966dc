"""Findings of fsck: wrong rows, with stable ids."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.complaint import Complaint

if TYPE_CHECKING:
    from client_sdk.kernel.ledger.findings import Findings

__all__ = ["LOST_FOR_GOOD", "MAX_KEPT", "FsckReport", "RowKind"]

MAX_KEPT = 1_000


class RowKind(StrEnum):
    """Which rows are wrong; stable names beside those of the audit's findings."""

    ACT_ROW = "ACT_ROW"
    ALERT_ROW = "ALERT_ROW"
    ANNOTATION_ROW = "ANNOTATION_ROW"
    BLOCKED_ROW = "BLOCKED_ROW"
    CHECKPOINT_ROW = "CHECKPOINT_ROW"
    CONTRIBUTION_ROW = "CONTRIBUTION_ROW"
    FACT_COUNT_ROW = "FACT_COUNT_ROW"
    FACT_COUNT_SHORT = "FACT_COUNT_SHORT"
    QUALITY_COUNT_ROW = "QUALITY_COUNT_ROW"
    HEAD_ROW = "HEAD_ROW"
    INQUIRED_PERSON_ROWS = "INQUIRED_PERSON_ROWS"
    INQUIRY_ROW = "INQUIRY_ROW"
    LEAF_ROW = "LEAF_ROW"
    LIVE_ROW = "LIVE_ROW"
    LOST_ROW = "LOST_ROW"
    MAP_BLOCK_ROW = "MAP_BLOCK_ROW"
    NOTICE_ROW = "NOTICE_ROW"
    RECORD_ROW = "RECORD_ROW"
    REGISTER = "REGISTER"
    REPLAY_ROW = "REPLAY_ROW"
    SHOWN_ROW = "SHOWN_ROW"
    STATEMENT_COUNT_ROW = "STATEMENT_COUNT_ROW"
    TEXT_LOST = "TEXT_LOST"
    TILE_ROW = "TILE_ROW"
    TLS_KEY_ROW = "TLS_KEY_ROW"
    VERSION_ROW = "VERSION_ROW"
    WATCHED_PERSON_ROW = "WATCHED_PERSON_ROW"


# What a restore may have lost for good: no leaf tells of it, and no answer, map or proof rests on it.
LOST_FOR_GOOD = frozenset((RowKind.FACT_COUNT_SHORT, RowKind.TEXT_LOST))


@dataclass(slots=True)
class FsckReport:
    """Result of fsck: counts and findings.

    Attributes:
        leaves: number of leaves.
        records: number of records.
        live: number of live records.
        inquiries: number of inquiries, those included that have no place yet.
        findings: at most 1,000 of a kind; the reason is a name of the audit's findings or of ``RowKind``, the field is
            the leaf or the row.
        counts: how many there are of each kind.
    """

    leaves: int = 0
    records: int = 0
    live: int = 0
    inquiries: int = 0
    findings: list[Complaint] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.counts

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong but what a restore has lost for good."""
        return self.counts.keys() <= LOST_FOR_GOOD

    def note(self, kind: RowKind, place: str, rule: str, *, got: str = "", want: str = "") -> None:
        """Take up what is wrong with a row."""
        self.counts[kind] += 1
        if self.counts[kind] <= MAX_KEPT:
            self.findings.append(Complaint(kind, place, rule, got, want))

    def take_over(self, findings: Findings) -> None:
        """Take up what the examination of the leaves has found."""
        self.counts.update({str(id_): count for id_, count in findings.counts.items()})
        for found in findings.kept():
            place = "log" if found.leaf_index is None else f"leaf {found.leaf_index}"
            self.findings.append(Complaint(found.id, place, f"{found.field}: {found.rule}", found.got, found.want))
