"""Strategies for facts of any kind; apart from the samples, which programs of the tests load without Hypothesis."""

from __future__ import annotations

from datetime import date
from unicodedata import normalize

from hypothesis import strategies as st

from client_sdk.kernel.formats.assigned import is_assigned
from client_sdk.kernel.formats.moment import LAST_MS, moment
from client_sdk.kernel.rules.arrangement import Arrangement, ContactCount
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

__all__ = ["any_facts"]

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
