"""Made-up persons, debts and reports for tests; nobody living has such a number."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from client_sdk.kernel.formats.check_digits import resident_check_digit
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.models import (
    Amounts,
    Basis,
    CollectionStage,
    Consent,
    DefaultFacts,
    DefaultReport,
    EnforcementFacts,
    EnforcementReport,
    Identity,
    IdType,
    JudgmentFacts,
    JudgmentReport,
    JudgmentResult,
    JudgmentStage,
    LegalBasis,
    ListingFacts,
    ListingGround,
    ListingOrigin,
    ListingPerformance,
    ListingReport,
    Measure,
    NoticeChannel,
    Product,
    RecordName,
    SubjectRole,
    debt,
    notice_sent,
    written_consent,
)

LENDER_CODE = "91350100M000100Y43"
NOTICE_AT = datetime(2025, 1, 2, tzinfo=UTC)
FIRST_DAY = date(2025, 3, 31)
# A request counts for a year from the day on which the person signed it.
SIGNED_ON = datetime.now(UTC).date() - timedelta(30)


def request_of(identity: Identity) -> Consent:
    """The request that a person signs: each has a document of its own."""
    return written_consent(document=f"request of {identity.number}".encode(), given_on=SIGNED_ON)


def person(number: int = 1) -> Identity:
    """Person of a number, born in the 19th century."""
    born = date(1800, 1, 1) + timedelta(days=number - 1)
    body = f"110105{born:%Y%m%d}001"
    return Identity.parse(IdType.CN_RESIDENT_ID, body + resident_check_digit(body))


def default_facts(
    *, contract: str = "HT-1", as_of: date = date(2025, 4, 30), days: int = 29, principal: int = 120_000
) -> DefaultFacts:
    return DefaultFacts(
        subject_role=SubjectRole.BORROWER,
        product=Product.CREDIT_CARD,
        amounts=Amounts(currency="CNY", principal=principal, interest=3_000),
        as_of=as_of,
        first_delinquency_on=FIRST_DAY,
        days_past_due=days,
        collection_stage=CollectionStage.REMINDED,
        debt=debt(original_creditor=LENDER_CODE, contract=contract),
        legal_basis=LegalBasis.CONSENT,
        approver="clerk-1",
        notice=notice_sent(document=b"notice", sent_at=NOTICE_AT, channel=NoticeChannel.SMS),
        consent=written_consent(document=b"consent", given_on=date(2024, 1, 1)),
    )


def default_report(
    number: int = 1,
    *,
    reference: str = "",
    standing: Standing = Standing.OPEN,
    facts: DefaultFacts | None = None,
    attempt: int | None = None,
) -> DefaultReport:
    reference = reference or f"loan-{number}"
    return DefaultReport(
        identity=person(number),
        reference=reference,
        standing=standing,
        first_day=FIRST_DAY,
        attempt=attempt,
        facts=facts or default_facts(contract=f"HT-{number}"),
    )


def history(number: int = 1, *, cured: bool = True) -> list[DefaultReport]:
    """Three versions of one default: two months open, then paid up."""
    first = default_facts(contract=f"HT-{number}")
    second = replace(first, as_of=date(2025, 5, 31), days_past_due=60, collection_stage=CollectionStage.COLLECTING)
    reports = [default_report(number, facts=first), default_report(number, facts=second)]
    if cured:
        paid = replace(
            second,
            as_of=date(2025, 6, 30),
            days_past_due=0,
            amounts=Amounts(currency="CNY"),
            collection_stage=CollectionStage.ENDED,
            ended_on=date(2025, 6, 30),
        )
        reports.append(default_report(number, standing=Standing.CURED, facts=paid))
    return reports


def judgment_facts(number: int = 1, *, stage: JudgmentStage = JudgmentStage.EFFECTIVE) -> JudgmentFacts:
    judged = stage is not JudgmentStage.FILED
    return JudgmentFacts(
        subject_role=SubjectRole.BORROWER,
        stage=stage,
        case_number="（2025）京0105民初123号",
        court="北京市朝阳区人民法院",
        cause="金融借款合同纠纷",
        filed_on=date(2025, 7, 1),
        judged_on=date(2025, 8, 1) if judged else None,
        effective_on=date(2025, 8, 20) if stage is JudgmentStage.EFFECTIVE else None,
        result=JudgmentResult.GRANTED if judged else None,
        amounts=Amounts(currency="CNY", principal=120_000, fees=500),
        as_of=date(2025, 9, 1),
        debt=debt(original_creditor=LENDER_CODE, contract=f"HT-{number}"),
        legal_basis=LegalBasis.LEGALLY_PUBLIC,
        approver="clerk-1",
    )


def suit(number: int = 1) -> list[DefaultReport | JudgmentReport | EnforcementReport]:
    """A default, the judgment on it, its enforcement, and all paid: in order of time."""
    who, name = person(number), f"loan-{number}"
    opened = history(number, cured=False)
    of_default = RecordName(kind=Kind.DEFAULT, reference=name, first_day=FIRST_DAY)
    of_judgment = RecordName(kind=Kind.JUDGMENT, reference=name, first_day=date(2025, 7, 1))
    won = judgment_facts(number)
    enforced = EnforcementFacts(
        subject_role=SubjectRole.BORROWER,
        case_number="（2025）京0105执456号",
        judgment_case_number=won.case_number,
        court=won.court,
        filed_on=date(2025, 9, 10),
        measures=(Measure.FROZEN, Measure.CONSUMPTION_LIMITED),
        applied=Amounts(currency="CNY", principal=120_000, fees=500),
        executed=Amounts(currency="CNY"),
        as_of=date(2025, 9, 20),
        debt=won.debt,
        legal_basis=LegalBasis.LEGALLY_PUBLIC,
        approver="clerk-1",
    )
    end = date(2025, 11, 1)
    paid = replace(enforced, executed=enforced.applied, as_of=end, ended_on=end)
    satisfied = replace(won, as_of=end, ended_on=end)
    cured = replace(history(number)[2].facts or default_facts(), as_of=end, ended_on=end)
    judgment = JudgmentReport(
        identity=who, reference=name, standing=Standing.OPEN, facts=won, basis=Basis(record=of_default)
    )
    enforcement = EnforcementReport(
        identity=who, reference=name, standing=Standing.OPEN, facts=enforced, basis=Basis(record=of_judgment)
    )
    return [
        *opened,
        judgment,
        enforcement,
        replace(enforcement, standing=Standing.SATISFIED, facts=paid),
        replace(judgment, standing=Standing.SATISFIED, facts=satisfied),
        default_report(number, standing=Standing.CURED, facts=cured),
    ]


def listing_facts(number: int = 1) -> ListingFacts:
    """An entry of the court's list that stands for years to come."""
    won, today = judgment_facts(number), datetime.now(UTC).date()
    return ListingFacts(
        subject_role=SubjectRole.BORROWER,
        case_number="（2025）京0105执456号",
        judgment_case_number=won.case_number,
        issued_by=won.court,
        court=won.court,
        filed_on=date(2025, 9, 10),
        grounds=(ListingGround.EVADES, ListingGround.CONSUMPTION),
        listed_on=date(2025, 9, 15),
        listed_until=min(today + timedelta(days=365), date(2030, 9, 15)),
        earliest_removal_on=date(2025, 12, 1),
        origin=ListingOrigin.APPLICANT,
        performance=ListingPerformance.PARTIAL,
        amounts=won.amounts,
        as_of=date(2025, 9, 20),
        debt=won.debt,
        legal_basis=LegalBasis.LEGALLY_PUBLIC,
        approver="clerk-1",
    )


def listing_report(number: int = 1, *, rests: bool = True) -> ListingReport:
    """The listing of a person of ``suit``, resting on the enforcement or on its number alone."""
    of_enforcement = RecordName(kind=Kind.ENFORCEMENT, reference=f"loan-{number}", first_day=date(2025, 9, 10))
    return ListingReport(
        identity=person(number),
        reference=f"loan-{number}",
        standing=Standing.OPEN,
        facts=listing_facts(number),
        basis=Basis(record=of_enforcement) if rests else None,
    )
