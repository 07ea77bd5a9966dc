"""Facts that satisfy every rule, to be changed in one field by a test."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.rules.arrangement import Arrangement, ContactCount
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.facts import (
    Amounts,
    ArrangementOutcome,
    ArrangementPeriod,
    CollectionStage,
    Consent,
    ConsentForm,
    Debt,
    DefaultCause,
    DefaultFacts,
    EnforcementFacts,
    JudgmentFacts,
    JudgmentResult,
    JudgmentStage,
    LegalBasis,
    ListingFacts,
    ListingGround,
    ListingOrigin,
    ListingPerformance,
    Measure,
    NoticeChannel,
    NoticeEvidence,
    Product,
    SubjectRole,
)

if TYPE_CHECKING:
    from collections.abc import Callable

CREDITOR = "91110000MA0000000H"
OTHER_CREDITOR = "000000TESTLENDER0020"
JUDGMENT_NUMBER = "（2024）京0115民初9000010号"
ENFORCEMENT_NUMBER = "（2025）京0115执9000011号"

# 2025-10-01T00:00:00+08:00, and the notice a week before.
SUBMITTED_AT = 1_759_248_000_000
TODAY = date(2025, 10, 1)
NOTICE = NoticeEvidence(channel=NoticeChannel.SMS, sent_at=moment(SUBMITTED_AT - 7 * 86_400_000), digest=b"\x11" * 32)
CONSENT = Consent(form=ConsentForm.WRITTEN, date=date(2024, 1, 2), digest=b"\x22" * 32)
DEBT = Debt(original_creditor=CREDITOR, contract="LN2024001234", debt_ref=b"\x33" * 32)
AMOUNTS = Amounts(currency="CNY", principal=500_000, interest=12_345, penalty=678, fees=90)

DEFAULT = DefaultFacts(
    subject_role=SubjectRole.BORROWER,
    product=Product.CREDIT_CARD,
    amounts=AMOUNTS,
    as_of=date(2025, 9, 30),
    first_delinquency_on=date(2025, 8, 1),
    days_past_due=60,
    collection_stage=CollectionStage.COLLECTING,
    debt=DEBT,
    legal_basis=LegalBasis.CONSENT,
    approver="staff-17",
    notice=NOTICE,
    consent=CONSENT,
)
ARRANGEMENT = Arrangement(
    agreed_on=date(2025, 9, 1),
    instalments=6,
    period=ArrangementPeriod.MONTH,
    outcome=ArrangementOutcome.RUNNING,
    paid=2,
)
ARRANGED = replace(
    DEFAULT,
    collection_stage=CollectionStage.ARRANGED,
    default_cause=DefaultCause.UNABLE_TO_PAY,
    contacts=(
        ContactCount(channel=NoticeChannel.SMS, count=3),
        ContactCount(channel=NoticeChannel.CALL, count=2),
    ),
    arrangement=ARRANGEMENT,
)
CURED = replace(
    DEFAULT,
    collection_stage=CollectionStage.ENDED,
    days_past_due=0,
    amounts=Amounts(currency="CNY"),
    ended_on=date(2025, 9, 30),
)
JUDGMENT = JudgmentFacts(
    subject_role=SubjectRole.BORROWER,
    stage=JudgmentStage.EFFECTIVE,
    case_number=JUDGMENT_NUMBER,
    court="北京市大兴区人民法院",
    cause="金融借款合同纠纷",
    filed_on=date(2024, 3, 4),
    judged_on=date(2024, 11, 30),
    effective_on=date(2024, 12, 20),
    result=JudgmentResult.GRANTED,
    amounts=AMOUNTS,
    as_of=date(2025, 1, 31),
    debt=DEBT,
    legal_basis=LegalBasis.LEGALLY_PUBLIC,
    approver="staff-17",
    batch_reference="B-2024-03",
)
FILED = replace(
    JUDGMENT,
    stage=JudgmentStage.FILED,
    judged_on=None,
    effective_on=None,
    result=None,
    as_of=date(2024, 3, 31),
    legal_basis=LegalBasis.CONSENT,
    notice=NOTICE,
    consent=CONSENT,
)
ENFORCEMENT = EnforcementFacts(
    subject_role=SubjectRole.BORROWER,
    case_number=ENFORCEMENT_NUMBER,
    judgment_case_number=JUDGMENT_NUMBER,
    court="北京市大兴区人民法院",
    filed_on=date(2025, 2, 3),
    measures=(Measure.FROZEN, Measure.CONSUMPTION_LIMITED),
    applied=AMOUNTS,
    executed=Amounts(currency="CNY", principal=100_000),
    as_of=date(2025, 6, 30),
    debt=DEBT,
    legal_basis=LegalBasis.LEGALLY_PUBLIC,
    approver="staff-17",
)
LISTING = ListingFacts(
    subject_role=SubjectRole.BORROWER,
    case_number=ENFORCEMENT_NUMBER,
    judgment_case_number=JUDGMENT_NUMBER,
    issued_by="北京市大兴区人民法院",
    court="北京市大兴区人民法院",
    filed_on=date(2025, 2, 3),
    grounds=(ListingGround.EVADES,),
    listed_on=date(2025, 5, 6),
    listed_until=date(2027, 5, 6),
    origin=ListingOrigin.APPLICANT,
    performance=ListingPerformance.NONE,
    amounts=AMOUNTS,
    as_of=date(2025, 9, 30),
    debt=DEBT,
    legal_basis=LegalBasis.LEGALLY_PUBLIC,
    approver="staff-17",
)


def rule_broken_by(check: Callable[[], object]) -> RuleError | None:
    """Return the rule that a check refuses with, None where it passes."""
    try:
        check()
    except RuleError as error:
        return error
    return None
