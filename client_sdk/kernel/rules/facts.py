"""Facts of defaults, judgments, enforcements and listings as values, and their canonical bytes (proto/README.md 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from creditregistry.v1 import facts_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.discreet import Discreet
from client_sdk.kernel.formats.plain import Plain
from client_sdk.kernel.formats.words import Kind, Word, Worded
from client_sdk.kernel.rules.arrangement import Arrangement, ContactCount
from client_sdk.kernel.rules.dates import parse_date, required_date
from client_sdk.kernel.rules.fact_parts import Amounts, Consent, Debt, NoticeEvidence
from client_sdk.kernel.rules.fact_reading import consent_of, day_text, notice_of, require, word_of
from client_sdk.kernel.rules.fact_words import (
    ArrangementOutcome,
    ArrangementPeriod,
    CollectionStage,
    ConsentForm,
    DefaultCause,
    JudgmentResult,
    JudgmentStage,
    LegalBasis,
    ListingGround,
    ListingOrigin,
    ListingPerformance,
    Measure,
    NoticeChannel,
    Product,
    SubjectRole,
)
from client_sdk.kernel.rules.listing_facts import ListingFacts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

__all__ = [
    "Amounts",
    "Arrangement",
    "ArrangementOutcome",
    "ArrangementPeriod",
    "CollectionStage",
    "Consent",
    "ConsentForm",
    "ContactCount",
    "Debt",
    "DefaultCause",
    "DefaultFacts",
    "EnforcementFacts",
    "Facts",
    "JudgmentFacts",
    "JudgmentResult",
    "JudgmentStage",
    "LegalBasis",
    "ListingFacts",
    "ListingGround",
    "ListingOrigin",
    "ListingPerformance",
    "Measure",
    "NoticeChannel",
    "NoticeEvidence",
    "Product",
    "SubjectRole",
    "kind_of",
    "parse_facts",
]

# Facts are parsed for every record reported and opened: a look-up here costs half of a call of the enumeration.
_ROLES = {member.number: member for member in SubjectRole}
_PRODUCTS = {member.number: member for member in Product}
_COLLECTION_STAGES = {member.number: member for member in CollectionStage}
_DEFAULT_CAUSES = {member.number: member for member in DefaultCause}
_LEGAL_BASES = {member.number: member for member in LegalBasis}
_JUDGMENT_STAGES = {member.number: member for member in JudgmentStage}
_RESULTS = {member.number: member for member in JudgmentResult}
_MEASURES = {member.number: member for member in Measure}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DefaultFacts(Worded, Discreet, Plain):
    """Facts of a DEFAULT on one day, as the lender's books have them.

    Attributes:
        subject_role: in what capacity the person owes: BORROWER, CO_BORROWER or GUARANTOR.
        product: CONSUMER_LOAN, CREDIT_CARD, MORTGAGE, CAR_LOAN, BUSINESS_LOAN or OTHER_CREDIT.
        amounts: what is overdue on that day, in minor units of its currency.
        as_of: day for which these facts hold.
        first_delinquency_on: first day of the episode; never moves later.
        days_past_due: calendar days past due on ``as_of``; 0 once the conduct has ended.
        collection_stage: REMINDED, COLLECTING, ARRANGED, IN_SUIT, WRITTEN_OFF or ENDED.
        debt: which debt it is; ``models.debt`` makes it of creditor and contract.
        legal_basis: why it may be collected: CONSENT or LEGALLY_PUBLIC.
        approver: person at the lender who approved the record: a name or a staff number.
        called_on: day on which a guarantor was called on (代偿); of a GUARANTOR alone.
        days_estimated: whether ``days_past_due`` was derived and not read from the books.
        ended_on: day on which the conduct ended; only where CURED or TRANSFERRED.
        notice: evidence of the notice to the person before the report.
        consent: the person's written consent.
        default_cause: why the debt was not paid, as the lender found; None where it is not known.
        contacts: how often the person was contacted about the episode; ascending by channel, each once.
        arrangement: the newest arrangement about the payment; None where there was none.
    """

    _words: ClassVar[Mapping[str, type[Word]]] = {
        "subject_role": SubjectRole,
        "product": Product,
        "collection_stage": CollectionStage,
        "legal_basis": LegalBasis,
        "default_cause": DefaultCause,
    }

    subject_role: SubjectRole
    product: Product
    amounts: Amounts
    as_of: date
    first_delinquency_on: date
    days_past_due: int
    collection_stage: CollectionStage
    debt: Debt
    legal_basis: LegalBasis
    approver: str
    called_on: date | None = None
    days_estimated: bool = False
    ended_on: date | None = None
    notice: NoticeEvidence | None = None
    consent: Consent | None = None
    default_cause: DefaultCause | None = None
    contacts: tuple[ContactCount, ...] = ()
    arrangement: Arrangement | None = None

    def encode(self) -> bytes:
        """Return the canonical bytes that the facts commitment covers."""
        return canonical.encode(
            pb.DefaultFacts(
                subject_role=pb.SubjectRole.ValueType(self.subject_role.number),
                called_on=day_text(self.called_on),
                product=pb.Product.ValueType(self.product.number),
                amounts=self.amounts.message(),
                as_of=self.as_of.isoformat(),
                first_delinquency_on=self.first_delinquency_on.isoformat(),
                days_past_due=self.days_past_due,
                days_estimated=self.days_estimated,
                collection_stage=pb.CollectionStage.ValueType(self.collection_stage.number),
                ended_on=day_text(self.ended_on),
                debt=self.debt.message(),
                legal_basis=pb.LegalBasis.ValueType(self.legal_basis.number),
                notice=None if self.notice is None else self.notice.message(),
                consent=None if self.consent is None else self.consent.message(),
                approver=self.approver,
                default_cause=pb.DefaultCause.ValueType(0 if self.default_cause is None else self.default_cause.number),
                contacts=[contact.message() for contact in self.contacts],
                arrangement=None if self.arrangement is None else self.arrangement.message(),
            )
        )

    @classmethod
    def of(cls, message: pb.DefaultFacts) -> DefaultFacts:
        """Return the value of a parsed message (see ``parse_facts``)."""
        require(message, "amounts", "debt")
        return cls(
            subject_role=word_of(_ROLES, message.subject_role, "subject_role"),
            called_on=parse_date(message.called_on, "facts.called_on"),
            product=word_of(_PRODUCTS, message.product, "product"),
            amounts=Amounts.of(message.amounts),
            as_of=required_date(message.as_of, "facts.as_of"),
            first_delinquency_on=required_date(message.first_delinquency_on, "facts.first_delinquency_on"),
            days_past_due=message.days_past_due,
            days_estimated=message.days_estimated,
            collection_stage=word_of(_COLLECTION_STAGES, message.collection_stage, "collection_stage"),
            ended_on=parse_date(message.ended_on, "facts.ended_on"),
            debt=Debt.of(message.debt),
            legal_basis=word_of(_LEGAL_BASES, message.legal_basis, "legal_basis"),
            notice=notice_of(message),
            consent=consent_of(message),
            approver=message.approver,
            default_cause=(
                word_of(_DEFAULT_CAUSES, message.default_cause, "default_cause") if message.default_cause else None
            ),
            contacts=tuple(ContactCount.of(contact) for contact in message.contacts),
            arrangement=Arrangement.of(message.arrangement) if message.HasField("arrangement") else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class JudgmentFacts(Worded, Discreet, Plain):
    """Facts of a JUDGMENT (a suit) on one day, as the court's papers have them.

    Attributes:
        subject_role: in what capacity the person owes: BORROWER, CO_BORROWER or GUARANTOR.
        stage: FILED, JUDGED, APPEALED or EFFECTIVE (final); never goes back, except from APPEALED to JUDGED.
        case_number: 案号 in canonical form, never that of an enforcement.
        court: name of the court.
        cause: cause of action (案由).
        filed_on: day on which the court took the case.
        amounts: what is claimed, and from JUDGED on what is awarded, in minor units of its currency.
        as_of: day for which these facts hold.
        debt: which debt it is; ``models.debt`` makes it of creditor and contract.
        legal_basis: why it may be collected: CONSENT or LEGALLY_PUBLIC.
        approver: person at the lender who approved the record: a name or a staff number.
        judged_on: day of the judgment; from JUDGED on.
        effective_on: day from which it is final; only where EFFECTIVE.
        result: GRANTED, PARTLY_GRANTED, SETTLED (调解) or PAYMENT_ORDER (支付令); from JUDGED on.
        ended_on: day on which the conduct ended; only where SATISFIED or TRANSFERRED.
        notice: evidence of the notice to the person; not needed where LEGALLY_PUBLIC.
        consent: the person's written consent; not needed where LEGALLY_PUBLIC.
        batch_reference: the lender's own number of a batch of suits (批量诉讼); may be empty.
    """

    _words: ClassVar[Mapping[str, type[Word]]] = {
        "subject_role": SubjectRole,
        "stage": JudgmentStage,
        "result": JudgmentResult,
        "legal_basis": LegalBasis,
    }

    subject_role: SubjectRole
    stage: JudgmentStage
    case_number: str
    court: str
    cause: str
    filed_on: date
    amounts: Amounts
    as_of: date
    debt: Debt
    legal_basis: LegalBasis
    approver: str
    judged_on: date | None = None
    effective_on: date | None = None
    result: JudgmentResult | None = None
    ended_on: date | None = None
    notice: NoticeEvidence | None = None
    consent: Consent | None = None
    batch_reference: str = ""

    def encode(self) -> bytes:
        """Return the canonical bytes that the facts commitment covers."""
        return canonical.encode(
            pb.JudgmentFacts(
                subject_role=pb.SubjectRole.ValueType(self.subject_role.number),
                stage=pb.JudgmentStage.ValueType(self.stage.number),
                case_number=self.case_number,
                court=self.court,
                cause=self.cause,
                filed_on=self.filed_on.isoformat(),
                judged_on=day_text(self.judged_on),
                effective_on=day_text(self.effective_on),
                result=pb.JudgmentResult.ValueType(0 if self.result is None else self.result.number),
                amounts=self.amounts.message(),
                ended_on=day_text(self.ended_on),
                debt=self.debt.message(),
                legal_basis=pb.LegalBasis.ValueType(self.legal_basis.number),
                notice=None if self.notice is None else self.notice.message(),
                consent=None if self.consent is None else self.consent.message(),
                approver=self.approver,
                batch_reference=self.batch_reference,
                as_of=self.as_of.isoformat(),
            )
        )

    @classmethod
    def of(cls, message: pb.JudgmentFacts) -> JudgmentFacts:
        """Return the value of a parsed message (see ``parse_facts``)."""
        require(message, "amounts", "debt")
        return cls(
            subject_role=word_of(_ROLES, message.subject_role, "subject_role"),
            stage=word_of(_JUDGMENT_STAGES, message.stage, "stage"),
            case_number=message.case_number,
            court=message.court,
            cause=message.cause,
            filed_on=required_date(message.filed_on, "facts.filed_on"),
            judged_on=parse_date(message.judged_on, "facts.judged_on"),
            effective_on=parse_date(message.effective_on, "facts.effective_on"),
            result=word_of(_RESULTS, message.result, "result") if message.result else None,
            amounts=Amounts.of(message.amounts),
            ended_on=parse_date(message.ended_on, "facts.ended_on"),
            debt=Debt.of(message.debt),
            legal_basis=word_of(_LEGAL_BASES, message.legal_basis, "legal_basis"),
            notice=notice_of(message),
            consent=consent_of(message),
            approver=message.approver,
            batch_reference=message.batch_reference,
            as_of=required_date(message.as_of, "facts.as_of"),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EnforcementFacts(Worded, Discreet, Plain):
    """Facts of an ENFORCEMENT on one day, as the court's papers have them.

    Attributes:
        subject_role: in what capacity the person owes: BORROWER, CO_BORROWER or GUARANTOR.
        case_number: 执行案号 in canonical form.
        judgment_case_number: 案号 of the judgment that is enforced.
        court: name of the court.
        filed_on: day on which the court took the case.
        applied: what was applied for, in minor units of its currency.
        executed: what was recovered so far, in the same currency.
        as_of: day for which these facts hold.
        debt: which debt it is; ``models.debt`` makes it of creditor and contract.
        legal_basis: why it may be collected: CONSENT or LEGALLY_PUBLIC.
        approver: person at the lender who approved the record: a name or a staff number.
        measures: SEALED_UP (查封), DISTRAINED (扣押), FROZEN (冻结), CONSUMPTION_LIMITED (限制高消费),
            LISTED_DISHONEST (失信); in this order, each once.
        stayed_on: day of the stay (终本); only where STAYED.
        ended_on: day on which the conduct ended; only where SATISFIED or TRANSFERRED.
        notice: evidence of the notice to the person; not needed where LEGALLY_PUBLIC.
        consent: the person's written consent; not needed where LEGALLY_PUBLIC.
    """

    _words: ClassVar[Mapping[str, type[Word]]] = {
        "subject_role": SubjectRole,
        "measures": Measure,
        "legal_basis": LegalBasis,
    }

    subject_role: SubjectRole
    case_number: str
    judgment_case_number: str
    court: str
    filed_on: date
    applied: Amounts
    executed: Amounts
    as_of: date
    debt: Debt
    legal_basis: LegalBasis
    approver: str
    measures: tuple[Measure, ...] = ()
    stayed_on: date | None = None
    ended_on: date | None = None
    notice: NoticeEvidence | None = None
    consent: Consent | None = None

    def encode(self) -> bytes:
        """Return the canonical bytes that the facts commitment covers."""
        return canonical.encode(
            pb.EnforcementFacts(
                subject_role=pb.SubjectRole.ValueType(self.subject_role.number),
                case_number=self.case_number,
                judgment_case_number=self.judgment_case_number,
                court=self.court,
                filed_on=self.filed_on.isoformat(),
                measures=[pb.Measure.ValueType(measure.number) for measure in self.measures],
                applied=self.applied.message(),
                executed=self.executed.message(),
                stayed_on=day_text(self.stayed_on),
                ended_on=day_text(self.ended_on),
                debt=self.debt.message(),
                legal_basis=pb.LegalBasis.ValueType(self.legal_basis.number),
                notice=None if self.notice is None else self.notice.message(),
                consent=None if self.consent is None else self.consent.message(),
                approver=self.approver,
                as_of=self.as_of.isoformat(),
            )
        )

    @classmethod
    def of(cls, message: pb.EnforcementFacts) -> EnforcementFacts:
        """Return the value of a parsed message (see ``parse_facts``)."""
        require(message, "applied", "executed", "debt")
        return cls(
            subject_role=word_of(_ROLES, message.subject_role, "subject_role"),
            case_number=message.case_number,
            judgment_case_number=message.judgment_case_number,
            court=message.court,
            filed_on=required_date(message.filed_on, "facts.filed_on"),
            measures=tuple(word_of(_MEASURES, measure, "measures") for measure in message.measures),
            applied=Amounts.of(message.applied),
            executed=Amounts.of(message.executed),
            stayed_on=parse_date(message.stayed_on, "facts.stayed_on"),
            ended_on=parse_date(message.ended_on, "facts.ended_on"),
            debt=Debt.of(message.debt),
            legal_basis=word_of(_LEGAL_BASES, message.legal_basis, "legal_basis"),
            notice=notice_of(message),
            consent=consent_of(message),
            approver=message.approver,
            as_of=required_date(message.as_of, "facts.as_of"),
        )


Facts: TypeAlias = DefaultFacts | JudgmentFacts | EnforcementFacts | ListingFacts

_KINDS: dict[type[Facts], Kind] = {
    DefaultFacts: Kind.DEFAULT,
    JudgmentFacts: Kind.JUDGMENT,
    EnforcementFacts: Kind.ENFORCEMENT,
    ListingFacts: Kind.LISTING,
}


def parse_facts(kind: Kind, data: bytes) -> Facts:
    """Return the facts that the bytes canonically encode.

    Args:
        kind: of the record, which says which message they are.
        data: the bytes that the facts commitment covers.

    Raises:
        FormatError: they are not canonical, a part is missing, a number of an enumeration is unknown, or a digest has
            another length.
        RuleError: DATE_INVALID; a date is missing or is no real date.
    """
    match kind:
        case Kind.DEFAULT:
            return DefaultFacts.of(canonical.parse(pb.DefaultFacts, data, "facts"))
        case Kind.JUDGMENT:
            return JudgmentFacts.of(canonical.parse(pb.JudgmentFacts, data, "facts"))
        case Kind.ENFORCEMENT:
            return EnforcementFacts.of(canonical.parse(pb.EnforcementFacts, data, "facts"))
        case Kind.LISTING:
            return ListingFacts.of(canonical.parse(pb.ListingFacts, data, "facts"))


def kind_of(facts: Facts) -> Kind:
    """Return the kind of record that the facts are of."""
    return _KINDS[type(facts)]
