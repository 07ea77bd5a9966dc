"""Facts that satisfy every rule, to be changed in one field by a test; and strategies for any facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING
from unicodedata import normalize

from hypothesis import strategies as st

from client_sdk.kernel.formats.assigned import is_assigned
from client_sdk.kernel.formats.moment import LAST_MS, moment
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
    Facts,
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


_days = st.dates(date(1900, 1, 1), date(2199, 12, 31))
_digests = st.binary(min_size=32, max_size=32)
_counts = st.integers(0, 2**60)
# Any text in NFC without control characters; NFC of any text may hold none of the half pairs either.
_texts = (
    st.text(st.characters(categories=("L", "N", "P"), max_codepoint=0x9FFF), max_size=20)
    .map(lambda text: normalize("NFC", text))
    .filter(is_assigned)
)
_amounts = st.builds(
    Amounts,
    currency=st.sampled_from(("CNY", "JPY", "XYZ")),
    principal=_counts,
    interest=_counts,
    penalty=_counts,
    fees=_counts,
    estimated=st.booleans(),
)
_debts = st.builds(Debt, original_creditor=_texts, contract=_texts, debt_ref=_digests)
_notices = st.none() | st.builds(
    NoticeEvidence, channel=st.sampled_from(NoticeChannel), sent_at=st.integers(0, LAST_MS).map(moment), digest=_digests
)
_consents = st.none() | st.builds(Consent, form=st.sampled_from(ConsentForm), date=_days, digest=_digests)
_maybe_days = st.none() | _days
_contacts = st.builds(ContactCount, channel=st.sampled_from(NoticeChannel), count=st.integers(0, 2**32 - 1))
_arrangements = st.builds(
    Arrangement,
    agreed_on=_days,
    instalments=st.integers(0, 2**32 - 1),
    period=st.sampled_from(ArrangementPeriod),
    outcome=st.sampled_from(ArrangementOutcome),
    paid=st.integers(0, 2**32 - 1),
)

any_facts: st.SearchStrategy[Facts] = st.one_of(
    st.builds(
        DefaultFacts,
        subject_role=st.sampled_from(SubjectRole),
        product=st.sampled_from(Product),
        amounts=_amounts,
        as_of=_days,
        first_delinquency_on=_days,
        days_past_due=st.integers(0, 2**32 - 1),
        collection_stage=st.sampled_from(CollectionStage),
        debt=_debts,
        legal_basis=st.sampled_from(LegalBasis),
        approver=_texts,
        called_on=_maybe_days,
        days_estimated=st.booleans(),
        ended_on=_maybe_days,
        notice=_notices,
        consent=_consents,
        default_cause=st.none() | st.sampled_from(DefaultCause),
        contacts=st.lists(_contacts, max_size=3).map(tuple),
        arrangement=st.none() | _arrangements,
    ),
    st.builds(
        JudgmentFacts,
        subject_role=st.sampled_from(SubjectRole),
        stage=st.sampled_from(JudgmentStage),
        case_number=_texts,
        court=_texts,
        cause=_texts,
        filed_on=_days,
        amounts=_amounts,
        as_of=_days,
        debt=_debts,
        legal_basis=st.sampled_from(LegalBasis),
        approver=_texts,
        judged_on=_maybe_days,
        effective_on=_maybe_days,
        result=st.none() | st.sampled_from(JudgmentResult),
        ended_on=_maybe_days,
        notice=_notices,
        consent=_consents,
        batch_reference=_texts,
    ),
    st.builds(
        EnforcementFacts,
        subject_role=st.sampled_from(SubjectRole),
        case_number=_texts,
        judgment_case_number=_texts,
        court=_texts,
        filed_on=_days,
        applied=_amounts,
        executed=_amounts,
        as_of=_days,
        debt=_debts,
        legal_basis=st.sampled_from(LegalBasis),
        approver=_texts,
        measures=st.lists(st.sampled_from(Measure), max_size=4).map(tuple),
        stayed_on=_maybe_days,
        ended_on=_maybe_days,
        notice=_notices,
        consent=_consents,
    ),
    st.builds(
        ListingFacts,
        subject_role=st.sampled_from(SubjectRole),
        case_number=_texts,
        judgment_case_number=_texts,
        issued_by=_texts,
        court=_texts,
        filed_on=_days,
        grounds=st.lists(st.sampled_from(ListingGround), max_size=4).map(tuple),
        listed_on=_days,
        listed_until=_maybe_days,
        earliest_removal_on=_maybe_days,
        origin=st.sampled_from(ListingOrigin),
        performance=st.sampled_from(ListingPerformance),
        amounts=_amounts,
        as_of=_days,
        debt=_debts,
        legal_basis=st.sampled_from(LegalBasis),
        approver=_texts,
        notice=_notices,
        consent=_consents,
    ),
)
