"""What criteria make of answers: every record gets a reason, and doubt is never turned into an outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from client_sdk import Criteria
from client_sdk.kernel.formats.words import AnnotationFlag, Kind, Standing
from client_sdk.models import (
    Amounts,
    Answer,
    DefaultFacts,
    EnforcementFacts,
    Failure,
    JudgmentFacts,
    JudgmentStage,
    ListedRecord,
    ListingFacts,
    Outcome,
    ReasonId,
    SubjectRole,
    Total,
    Unopened,
    Verdict,
)
from client_sdk.models.criteria_form import criteria_content, criteria_of
from tests.client_sdk.sdk_samples import default_facts, judgment_facts, listing_facts, suit

AS_OF = datetime(2025, 12, 1, tzinfo=UTC)
CURED = replace(default_facts(), as_of=date(2025, 6, 30), days_past_due=0, ended_on=date(2025, 6, 30))


def record(
    facts: DefaultFacts | JudgmentFacts | EnforcementFacts | ListingFacts | None = None,
    *,
    kind: Kind = Kind.DEFAULT,
    standing: Standing = Standing.OPEN,
    index: int = 5,
    unopened: Unopened | None = None,
    contested: bool = False,
    flags: frozenset[AnnotationFlag] = frozenset(),
) -> ListedRecord:
    return ListedRecord(
        issuer="lender-1",
        signer="lender-1",
        record_id=index.to_bytes(16),
        version=1,
        kind=kind,
        standing=standing,
        index=index,
        issued_at=AS_OF,
        logged_at=AS_OF,
        facts=None if unopened is not None else facts or default_facts(),
        unopened=unopened,
        contested=contested,
        flags=flags,
    )


def answer(*records: ListedRecord) -> Answer:
    verdict = Verdict.LISTED if records else Verdict.CLEAR
    return Answer(verdict=verdict, registry="r", as_of=AS_OF, records=records)


def reasons(given: Answer, criteria: Criteria | None = None) -> list[tuple[ReasonId, Outcome | None]]:
    return [(reason.id, reason.outcome) for reason in given.assess(criteria).reasons]


def test_clear_is_not_adverse() -> None:
    result = answer().assess()
    assert result.outcome is Outcome.NOT_ADVERSE
    assert [reason.id for reason in result.reasons] == [ReasonId.NO_LIVE_RECORD]


def test_unverifiable_is_referred() -> None:
    failed = Answer(verdict=Verdict.UNVERIFIABLE, registry="r", failure=Failure(part="checkpoint", rule="log.rollback"))
    result = failed.assess()
    assert result.outcome is Outcome.REFER
    assert result.reasons[0].id is ReasonId.UNVERIFIABLE
    assert result.reasons[0].detail == "checkpoint: log.rollback"


def test_an_open_default_is_blacklisted_with_its_total() -> None:
    result = answer(record()).assess()
    assert result.outcome is Outcome.BLACKLISTED
    assert result.totals == (Total(kind=Kind.DEFAULT, currency="CNY", records=1, amount=123_000, estimated=False),)
    assert result.reasons[0].record == f"lender-1/{record().ref.partition('/')[2]}"


@pytest.mark.parametrize(
    ("listed", "criteria", "reason", "outcome"),
    [
        (record(standing=Standing.ARRANGED), Criteria(), ReasonId.WATCHED, Outcome.WATCH),
        (record(CURED, standing=Standing.CURED), Criteria(), ReasonId.WATCHED, Outcome.WATCH),
        (
            record(CURED, standing=Standing.CURED),
            Criteria(forget_ended_after_days=100),
            ReasonId.ENDED_LONG_AGO,
            Outcome.NOT_ADVERSE,
        ),
        (
            record(CURED, standing=Standing.CURED),
            Criteria(watched=frozenset()),
            ReasonId.NOT_COUNTED_KIND,
            Outcome.NOT_ADVERSE,
        ),
        (record(), Criteria(min_days_past_due=30), ReasonId.BELOW_DAYS, Outcome.WATCH),
        (record(), Criteria(min_amounts={"CNY": 200_000}), ReasonId.BELOW_AMOUNT, Outcome.WATCH),
        (record(), Criteria(min_amounts={"USD": 200_000}), ReasonId.COUNTED, Outcome.BLACKLISTED),
        (
            record(replace(default_facts(), amounts=Amounts(currency="CNY", estimated=True))),
            Criteria(min_amounts={"CNY": 1}),
            ReasonId.COUNTED,
            Outcome.BLACKLISTED,
        ),
        (
            record(replace(default_facts(), subject_role=SubjectRole.GUARANTOR)),
            Criteria(count_guarantors=False),
            ReasonId.GUARANTOR,
            Outcome.WATCH,
        ),
        (
            record(judgment_facts(stage=JudgmentStage.FILED), kind=Kind.JUDGMENT),
            Criteria(),
            ReasonId.EARLY_STAGE,
            Outcome.WATCH,
        ),
        (record(judgment_facts(), kind=Kind.JUDGMENT), Criteria(), ReasonId.COUNTED, Outcome.BLACKLISTED),
        (
            record(standing=Standing.CURED, unopened=Unopened.SCOPE_PAID),
            Criteria(),
            ReasonId.SCOPE_PAID,
            Outcome.NOT_ADVERSE,
        ),
        (
            record(standing=Standing.CURED, unopened=Unopened.SCOPE_PAID, contested=True),
            Criteria(),
            ReasonId.CONTESTED,
            Outcome.REFER,
        ),
    ],
)
def test_criteria_weigh(listed: ListedRecord, criteria: Criteria, reason: ReasonId, outcome: Outcome) -> None:
    assert reasons(answer(listed), criteria) == [(reason, outcome)]
    assert answer(listed).assess(criteria).outcome is outcome


@pytest.mark.parametrize("unopened", sorted(set(Unopened) - {Unopened.SCOPE_PAID}))
def test_what_does_not_open_is_referred_with_its_reason(unopened: Unopened) -> None:
    result = answer(record(unopened=unopened), record(index=6)).assess()
    assert result.outcome is Outcome.REFER
    assert (ReasonId(unopened.value), Outcome.REFER) in reasons(answer(record(unopened=unopened)))
    # What is known is told all the same.
    assert ReasonId.COUNTED in [reason.id for reason in result.reasons]


def test_a_statement_of_the_person_that_the_registry_has_lost_is_referred() -> None:
    said = replace(record(), statement_unopened=Unopened.DISCLOSURE_MISMATCH)
    assert (ReasonId.DISCLOSURE_MISMATCH, Outcome.REFER) in reasons(answer(said))
    restricted = replace(said, flags=frozenset((AnnotationFlag.RESTRICTED,)))
    assert reasons(answer(restricted)) == [(ReasonId.RESTRICTED, None)]


def test_contested_is_referred() -> None:
    assert answer(record(contested=True)).assess().outcome is Outcome.REFER


def test_restricted_is_not_counted() -> None:
    restricted = frozenset((AnnotationFlag.DISPUTED, AnnotationFlag.RESTRICTED))
    result = answer(record(flags=restricted)).assess()
    assert result.outcome is Outcome.NOT_ADVERSE
    assert result.totals == ()
    assert [reason.id for reason in result.reasons] == [ReasonId.RESTRICTED, ReasonId.DISPUTED]


def test_stale_counts_and_is_told_unless_the_criteria_refer_it() -> None:
    stale = answer(replace(record(), stale=True))
    assert [reason.id for reason in stale.assess().reasons] == [ReasonId.COUNTED, ReasonId.STALE]
    assert stale.assess().outcome is Outcome.BLACKLISTED
    assert stale.assess(Criteria(refer_stale=True)).outcome is Outcome.REFER


def test_a_record_of_a_lender_whose_records_were_ended_is_watched() -> None:
    assessed = answer(replace(record(), issuer_ended=True)).assess()
    assert ([reason.id for reason in assessed.reasons], assessed.outcome) == ([ReasonId.ISSUER_ENDED], Outcome.WATCH)


def test_disputed_counts_and_is_told_unless_the_criteria_refer_it() -> None:
    disputed = answer(record(flags=frozenset((AnnotationFlag.DISPUTED, AnnotationFlag.STATEMENT))))
    assert reasons(disputed) == [
        (ReasonId.COUNTED, Outcome.BLACKLISTED),
        (ReasonId.DISPUTED, None),
        (ReasonId.SUBJECT_STATEMENT, None),
    ]
    assert disputed.assess(Criteria(refer_disputed=True)).outcome is Outcome.REFER


def test_one_debt_is_counted_once_and_the_gravest_record_of_it() -> None:
    result = answer(record(standing=Standing.TRANSFERRED, index=9), record(index=5)).assess()
    assert result.outcome is Outcome.BLACKLISTED
    assert [reason.id for reason in result.reasons] == [ReasonId.COUNTED, ReasonId.SAME_DEBT]
    assert [total.records for total in result.totals] == [1]


def test_two_debts_of_one_person_add_up() -> None:
    result = answer(record(), record(default_facts(contract="HT-2"), index=6)).assess()
    assert [(total.records, total.amount) for total in result.totals] == [(2, 246_000)]


def test_an_enforcement_is_owed_what_was_not_recovered() -> None:
    facts = next(report.facts for report in suit() if isinstance(report.facts, EnforcementFacts))
    half = replace(facts, executed=Amounts(currency="CNY", principal=20_500))
    result = answer(record(half, kind=Kind.ENFORCEMENT, standing=Standing.STAYED)).assess()
    assert [(total.kind, total.amount) for total in result.totals] == [(Kind.ENFORCEMENT, 100_000)]
    assert result.outcome is Outcome.BLACKLISTED


states = st.sampled_from([(kind, standing) for kind in Kind for standing in Standing])


@given(
    st.lists(
        st.builds(
            lambda state, index, contested, restricted, unopened: record(
                kind=state[0],
                standing=state[1],
                index=index,
                contested=contested,
                flags=frozenset((AnnotationFlag.RESTRICTED,)) if restricted else frozenset(),
                unopened=unopened,
            ),
            states,
            st.integers(1, 99),
            st.booleans(),
            st.booleans(),
            st.none() | st.sampled_from(list(Unopened)),
        ),
        max_size=6,
        unique_by=lambda item: item.index,
    )
)
@example([record(unopened=Unopened.SCOPE_PAID)])
def test_every_record_has_a_reason_and_doubt_always_refers(records: list[ListedRecord]) -> None:
    result = answer(*records).assess()
    assert {item.ref for item in records} <= {reason.record for reason in result.reasons}
    # What was paid too long ago for the purpose is no doubt: its standing alone says that it counts no more.
    seen = (None, Unopened.SCOPE_PAID)
    doubted = any((item.contested or item.unopened not in seen) and not item.restricted for item in records)
    assert (result.outcome is Outcome.REFER) is doubted
    assert answer(*records).assess() == result


def test_a_listing_counts_until_the_court_s_entry_ends() -> None:
    facts = replace(listing_facts(), listed_until=date(2025, 12, 2))
    assert reasons(answer(record(facts, kind=Kind.LISTING))) == [(ReasonId.COUNTED, Outcome.BLACKLISTED)]
    ended = replace(facts, listed_until=AS_OF.date())
    assert reasons(answer(record(ended, kind=Kind.LISTING))) == [(ReasonId.LISTING_ENDED, Outcome.NOT_ADVERSE)]


def test_criteria_take_sets_of_any_kind_and_keep_what_they_were_given() -> None:
    counted, amounts = {(Kind.DEFAULT, Standing.OPEN)}, {"CNY": 1}
    criteria = Criteria(counted=counted, judgment_stages={JudgmentStage.JUDGED}, min_amounts=amounts)  # type: ignore[arg-type]  # as a caller without a type checker gives them
    kept = criteria_content(criteria)
    counted.clear()
    amounts["CNY"] = 10**12
    assert criteria_content(criteria) == kept
    assert criteria_of(kept) == criteria
