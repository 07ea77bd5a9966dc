"""Assessment of an answer by a lender's criteria."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.plain import Plain

if TYPE_CHECKING:
    from datetime import datetime

    from client_sdk.kernel.formats.assessment import AssessmentInputs
    from client_sdk.kernel.formats.words import Kind

__all__ = ["Assessment", "Outcome", "Reason", "ReasonId", "Total"]


class Outcome(StrEnum):
    """Outcome of an assessment, from best to worst; a person makes the decision (PIPL Art. 24)."""

    NOT_ADVERSE = "NOT_ADVERSE"
    WATCH = "WATCH"
    BLACKLISTED = "BLACKLISTED"
    # Something could not be verified or opened, so that no other outcome may be relied on.
    REFER = "REFER"


class ReasonId(StrEnum):
    """Why; stable words, never renamed."""

    # About the whole answer.
    NO_LIVE_RECORD = "NO_LIVE_RECORD"
    UNVERIFIABLE = "UNVERIFIABLE"
    # About one record that is weighed.
    COUNTED = "COUNTED"
    WATCHED = "WATCHED"
    BELOW_DAYS = "BELOW_DAYS"
    BELOW_AMOUNT = "BELOW_AMOUNT"
    EARLY_STAGE = "EARLY_STAGE"
    GUARANTOR = "GUARANTOR"
    ISSUER_ENDED = "ISSUER_ENDED"
    ENDED_LONG_AGO = "ENDED_LONG_AGO"
    LISTING_ENDED = "LISTING_ENDED"
    NOT_COUNTED_KIND = "NOT_COUNTED_KIND"
    # About one record that is not weighed.
    SCOPE_PAID = "SCOPE_PAID"
    SAME_DEBT = "SAME_DEBT"
    RESTRICTED = "RESTRICTED"
    # Informative: it does not change the outcome unless the criteria say so.
    DISPUTED = "DISPUTED"
    STALE = "STALE"
    SUBJECT_STATEMENT = "SUBJECT_STATEMENT"
    # What makes it REFER.
    CONTESTED = "CONTESTED"
    SCOPE = "SCOPE"
    RECIPROCITY = "RECIPROCITY"
    SEALED = "SEALED"
    DISCLOSURE_MISMATCH = "DISCLOSURE_MISMATCH"
    DISCLOSURE_UNOPENABLE = "DISCLOSURE_UNOPENABLE"
    FACTS_UNREADABLE = "FACTS_UNREADABLE"
    DEBT_REF_WRONG = "DEBT_REF_WRONG"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason(Plain):
    """One thing that was weighed.

    Attributes:
        id: stable word.
        outcome: that it leads to; None where it is informative.
        record: ``ListedRecord.ref``; empty for the whole answer.
        detail: for people, without any fact.
    """

    id: ReasonId
    outcome: Outcome | None = None
    record: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Total(Plain):
    """Total owed by the counted or watched records of one kind and currency.

    Attributes:
        kind: of the records.
        currency: ISO 4217.
        records: how many.
        amount: minor units; of enforcements what was not recovered yet; nothing for what was paid.
        estimated: whether a part was derived and not read from books.
    """

    kind: Kind
    currency: str
    records: int
    amount: int
    estimated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment(Plain):
    """Outcome, reasons and totals.

    Attributes:
        outcome: the worst that a reason speaks for.
        reasons: every record appears in at least one.
        totals: ascending by kind and currency.
        as_of: of the answer, UTC; None where it is UNVERIFIABLE.
        digest: 32 bytes, the same for the same question at the same head under the same rulebook and criteria; empty
            where the answer is UNVERIFIABLE.
        inputs: digests of what the assessment follows from; None where the answer is UNVERIFIABLE.
    """

    outcome: Outcome
    reasons: tuple[Reason, ...]
    totals: tuple[Total, ...]
    as_of: datetime | None
    digest: bytes = b""
    inputs: AssessmentInputs | None = None
