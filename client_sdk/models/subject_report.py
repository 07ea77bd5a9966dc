"""A person's own report: everything that is held about the person, and who asked (征信业管理条例 Art. 17)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.plain import LEFT_OUT, Plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from client_sdk.kernel.formats.words import AnnotationFlag, DisputeOutcome, Purpose, Standing
    from client_sdk.kernel.rules.facts import Consent
    from client_sdk.kernel.rules.monthly import HistoryMonth
    from client_sdk.models.answer import Answer
    from client_sdk.models.listed import ListedRecord

__all__ = ["AskedAbout", "InstitutionName", "RecordEvent", "SubjectRecord", "SubjectReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstitutionName(Plain):
    """An institution, as the directory names it.

    Attributes:
        id: institution id.
        name: of the enrolment.
        licence_number: of the enrolment.
    """

    id: str
    name: str
    licence_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEvent(Plain):
    """One leaf of a record: a version, a remark, or a restriction by the clock. Proved to be in the log.

    Attributes:
        index: place of the leaf in the log.
        logged_at: when it was logged, UTC.
        by: institution id of who signed it; empty for the clock.
        version: number of the version; None for a remark.
        standing: of the version; None for a remark.
        retain_until: last day that the version lets the record be kept; None for no such day.
        flags: what is remarked after it; None for a version.
        code: reason code of the remark.
        outcome: how a dispute was answered; None where it was not.
    """

    index: int
    logged_at: datetime
    by: str
    version: int | None = None
    standing: Standing | None = None
    retain_until: date | None = None
    flags: frozenset[AnnotationFlag] | None = None
    code: str = ""
    outcome: DisputeOutcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRecord(Plain):
    """A live record about the person with its history.

    Attributes:
        record: as it is listed.
        history: its leaves, the oldest first; of a bought debt also the remarks that it has carried over.
        due_on: last day for the answer to a dispute that stands; None where none waits for one.
        disputed_by: institution id of who opened the dispute that stands; empty for none.
        months: what all versions together prove of each of at most 60 months, the oldest first.
        hidden_under: name of the overlay that hides it from every answer; empty for a record that answers show.
    """

    record: ListedRecord
    history: tuple[RecordEvent, ...]
    due_on: date | None = None
    disputed_by: str = ""
    months: tuple[HistoryMonth, ...] = ()
    hidden_under: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAbout(Plain):
    """An answered inquiry about the person: asker, purpose and person are proved by the asker's signature.

    Attributes:
        asker: institution id.
        inquiry_id: 16 bytes.
        purpose: why it asked.
        received_at: when the registry took it in, UTC.
        index: place in the inquiry tree, proved; None in the first minute, before it has one.
        alerts_until: last day of the alerts about the person that it asked for; None where it asked for none.
    """

    asker: str
    inquiry_id: bytes
    purpose: Purpose
    received_at: datetime
    index: int | None = None
    alerts_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectReport(Plain):
    """A person's own report.

    That no inquiry is left out of ``asked``, and no hidden record of ``records``, is the registry's word; everything
    else in it is proved.

    Attributes:
        answer: LISTED or CLEAR, with the evidence.
        records: live records, in the order of the answer; then those that an overlay hides from answers.
        asked: inquiries about the person that are kept, the newest first, that of this report included; no screenings,
            which name nobody.
        members: every institution that is named, by id.
        office: institution id of the member that speaks for the person.
        mandate: form, date and SHA-256 of the request that the person signed.
        had: reports on earlier days of the last 12 months.
        free: how many of these are free, by the rulebook.
        chargeable: whether a fee may be taken for this one; it is never refused.
        made_at: when it was made, UTC.
        time_zone: of the rulebook: ``Asia/Shanghai``, ``Europe/London`` or ``UTC``.
        jurisdiction: of the rulebook.
        retention_years: of the rulebook.
        dispute_days: of the rulebook.
    """

    answer: Answer
    records: tuple[SubjectRecord, ...]
    asked: tuple[AskedAbout, ...]
    members: Mapping[str, InstitutionName]
    office: str
    mandate: Consent = field(metadata=LEFT_OUT)
    had: int
    free: int
    chargeable: bool
    made_at: datetime
    time_zone: str
    jurisdiction: str
    retention_years: int
    dispute_days: int
