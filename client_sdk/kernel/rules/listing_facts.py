"""Facts of a listing: an entry in the courts' list of dishonest judgment debtors (失信被执行人), copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from creditregistry.v1 import facts_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.discreet import Discreet
from client_sdk.kernel.formats.plain import Plain
from client_sdk.kernel.formats.words import Word, Worded
from client_sdk.kernel.rules.dates import parse_date, required_date
from client_sdk.kernel.rules.fact_parts import Amounts, Consent, Debt, NoticeEvidence
from client_sdk.kernel.rules.fact_reading import consent_of, day_text, notice_of, require, word_of
from client_sdk.kernel.rules.fact_words import (
    LegalBasis,
    ListingGround,
    ListingOrigin,
    ListingPerformance,
    SubjectRole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

__all__ = ["ListingFacts"]

_ROLES = {member.number: member for member in SubjectRole}
_GROUNDS = {member.number: member for member in ListingGround}
_ORIGINS = {member.number: member for member in ListingOrigin}
_PERFORMANCES = {member.number: member for member in ListingPerformance}
_LEGAL_BASES = {member.number: member for member in LegalBasis}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ListingFacts(Worded, Discreet, Plain):
    """Facts of a LISTING on one day, as the court's list has them.

    Attributes:
        subject_role: in what capacity the person owes: BORROWER, CO_BORROWER or GUARANTOR.
        case_number: 执行案号 of the enforcement that the entry rests on, in canonical form.
        judgment_case_number: 案号 of the judgment, or number of the award or instrument, that is enforced.
        issued_by: who made that judgment, award or instrument.
        court: name of the court that enforces and lists.
        filed_on: day on which the court took the enforcement.
        grounds: REFUSES, OBSTRUCTS, EVADES, ASSETS_UNREPORTED, CONSUMPTION, SETTLEMENT_BROKEN; in this order, each
            once, at least one.
        listed_on: day on which the court listed the person.
        origin: at whose instance: APPLICANT or COURT.
        performance: how far the obligation was performed: NONE or PARTIAL.
        amounts: of the obligation, in minor units of its currency.
        as_of: day on which the court's list was read.
        debt: which debt it is; ``models.debt`` makes it of creditor and contract.
        legal_basis: why it may be collected: CONSENT or LEGALLY_PUBLIC.
        approver: person at the lender who approved the record: a name or a staff number.
        listed_until: day on which the entry ends; None only where REFUSES is the only ground, which has no term.
        earliest_removal_on: day from which the court may remove it early; None where it set none.
        notice: evidence of the notice to the person; not needed where LEGALLY_PUBLIC.
        consent: the person's written consent; not needed where LEGALLY_PUBLIC.
    """

    _words: ClassVar[Mapping[str, type[Word]]] = {
        "subject_role": SubjectRole,
        "grounds": ListingGround,
        "origin": ListingOrigin,
        "performance": ListingPerformance,
        "legal_basis": LegalBasis,
    }
    # A listing that has ended is withdrawn or erased; no version of it says when.
    ended_on: ClassVar[date | None] = None

    subject_role: SubjectRole
    case_number: str
    judgment_case_number: str
    issued_by: str
    court: str
    filed_on: date
    grounds: tuple[ListingGround, ...]
    listed_on: date
    origin: ListingOrigin
    performance: ListingPerformance
    amounts: Amounts
    as_of: date
    debt: Debt
    legal_basis: LegalBasis
    approver: str
    listed_until: date | None = None
    earliest_removal_on: date | None = None
    notice: NoticeEvidence | None = None
    consent: Consent | None = None

    def encode(self) -> bytes:
        """Return the canonical bytes that the facts commitment covers."""
        return canonical.encode(
            pb.ListingFacts(
                subject_role=pb.SubjectRole.ValueType(self.subject_role.number),
                case_number=self.case_number,
                judgment_case_number=self.judgment_case_number,
                issued_by=self.issued_by,
                court=self.court,
                filed_on=self.filed_on.isoformat(),
                grounds=[pb.ListingGround.ValueType(ground.number) for ground in self.grounds],
                listed_on=self.listed_on.isoformat(),
                listed_until=day_text(self.listed_until),
                earliest_removal_on=day_text(self.earliest_removal_on),
                origin=pb.ListingOrigin.ValueType(self.origin.number),
                performance=pb.ListingPerformance.ValueType(self.performance.number),
                amounts=self.amounts.message(),
                debt=self.debt.message(),
                legal_basis=pb.LegalBasis.ValueType(self.legal_basis.number),
                notice=None if self.notice is None else self.notice.message(),
                consent=None if self.consent is None else self.consent.message(),
                approver=self.approver,
                as_of=self.as_of.isoformat(),
            )
        )

    @classmethod
    def of(cls, message: pb.ListingFacts) -> ListingFacts:
        """Return the value of a parsed message (see ``facts.parse_facts``)."""
        require(message, "amounts", "debt")
        return cls(
            subject_role=word_of(_ROLES, message.subject_role, "subject_role"),
            case_number=message.case_number,
            judgment_case_number=message.judgment_case_number,
            issued_by=message.issued_by,
            court=message.court,
            filed_on=required_date(message.filed_on, "facts.filed_on"),
            grounds=tuple(word_of(_GROUNDS, ground, "grounds") for ground in message.grounds),
            listed_on=required_date(message.listed_on, "facts.listed_on"),
            listed_until=parse_date(message.listed_until, "facts.listed_until"),
            earliest_removal_on=parse_date(message.earliest_removal_on, "facts.earliest_removal_on"),
            origin=word_of(_ORIGINS, message.origin, "origin"),
            performance=word_of(_PERFORMANCES, message.performance, "performance"),
            amounts=Amounts.of(message.amounts),
            debt=Debt.of(message.debt),
            legal_basis=word_of(_LEGAL_BASES, message.legal_basis, "legal_basis"),
            notice=notice_of(message),
            consent=consent_of(message),
            approver=message.approver,
            as_of=required_date(message.as_of, "facts.as_of"),
        )
