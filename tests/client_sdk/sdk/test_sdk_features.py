"""Features of an answer: a fixed list of numbers, which leave out what must not be counted."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.errors import ConfigError, VerificationError
from client_sdk.kernel.formats.words import AnnotationFlag, Kind, Standing
from client_sdk.models import (
    Amounts,
    Answer,
    Arrangement,
    ArrangementOutcome,
    ArrangementPeriod,
    CollectionStage,
    DefaultFacts,
    EnforcementFacts,
    Failure,
    JudgmentFacts,
    JudgmentStage,
    ListedRecord,
    ListingFacts,
    SubjectRole,
    Unopened,
    Verdict,
)
from client_sdk.models.features import FEATURE_SET, FEATURES
from tests.client_sdk.sdk_samples import default_facts, judgment_facts, listing_facts, suit

AS_OF = datetime(2025, 12, 1, tzinfo=UTC)
TABLE = Path(__file__).parents[3] / "docs" / "features.md"


def listed(
    facts: DefaultFacts | JudgmentFacts | EnforcementFacts | ListingFacts | None,
    standing: Standing = Standing.OPEN,
    *,
    kind: Kind = Kind.DEFAULT,
    issuer: str = "lender-1",
    index: int = 5,
    unopened: Unopened | None = None,
    restricted: bool = False,
) -> ListedRecord:
    return ListedRecord(
        issuer=issuer,
        signer=issuer,
        record_id=index.to_bytes(16),
        version=1,
        kind=kind,
        standing=standing,
        index=index,
        issued_at=AS_OF,
        logged_at=AS_OF,
        facts=facts,
        unopened=unopened,
        flags=frozenset((AnnotationFlag.RESTRICTED,)) if restricted else frozenset(),
        _logged_on=AS_OF.date(),
        _known_on=AS_OF.date(),
    )


def answer(*records: ListedRecord) -> Answer:
    verdict = Verdict.LISTED if records else Verdict.CLEAR
    return Answer(verdict=verdict, registry="r", as_of=AS_OF, records=records)


def features(*records: ListedRecord) -> dict[str, int]:
    """Those that are neither 0 nor nothing."""
    return {name: value for name, value in answer(*records).features().values.items() if value}


def test_the_list_and_its_order_are_those_of_the_guide() -> None:
    rows = [line.split(" | ") for line in TABLE.read_text("utf-8").splitlines() if line.startswith("| `")]
    assert [(row[0].strip("| `"), row[1], row[2].strip(" |")) for row in rows] == [
        (feature.name, feature.unit, feature.meaning) for feature in FEATURES
    ]
    assert f"`feature_set` is {FEATURE_SET}" in TABLE.read_text("utf-8")


def test_a_clear_person_has_every_feature_and_nothing_in_it() -> None:
    found = answer().features("EUR")
    assert list(found.values) == [feature.name for feature in FEATURES]
    assert {name for name, value in found.values.items() if value is None} == {
        f"days_since_{what}" for what in ("first_delinquency", "last_delinquency", "last_end", "last_report")
    }
    assert not any(value for value in found.values.values())
    assert len(found.vector()) == len(FEATURES)
    assert sum(map(math.isnan, found.vector())) == 4
    assert json.loads(json.dumps(found.to_dict()))["currency"] == "EUR"


def test_an_open_default_is_told_by_days_stage_and_amount() -> None:
    facts = default_facts(as_of=date(2025, 11, 30), days=244)
    found = features(listed(replace(facts, collection_stage=CollectionStage.COLLECTING)))
    assert found == {
        "records": 1,
        "lenders": 1,
        "debts": 1,
        "default_open": 1,
        "days_past_due_worst": 244,
        "months_overdue_12": 8,
        "months_overdue_24": 8,
        "month_days_worst_24": 244,
        "days_since_first_delinquency": 245,
        "days_since_last_delinquency": 245,
        "collection_stage_worst": 2,
        "owed_default": facts.amounts.total,
    }


def test_what_has_ended_owes_nothing_and_is_told_by_how_long_ago() -> None:
    cured = replace(
        default_facts(),
        as_of=date(2025, 6, 30),
        days_past_due=0,
        ended_on=date(2025, 6, 30),
        collection_stage=CollectionStage.ENDED,
        arrangement=Arrangement(
            agreed_on=date(2025, 5, 1),
            instalments=2,
            period=ArrangementPeriod.MONTH,
            outcome=ArrangementOutcome.KEPT,
            paid=2,
        ),
    )
    found = features(listed(cured, Standing.CURED))
    assert (found["default_cured"], found["days_since_last_end"], found["arrangements_kept"]) == (1, 154, 1)
    assert not {"owed_default", "collection_stage_worst", "days_past_due_worst"} & set(found)


def test_a_suit_and_its_enforcement_are_told_by_stage_and_by_what_is_left() -> None:
    enforced = next(report.facts for report in suit() if isinstance(report.facts, EnforcementFacts))
    half = replace(enforced, executed=Amounts(currency="CNY", principal=20_500))
    found = features(
        listed(judgment_facts(stage=JudgmentStage.JUDGED), kind=Kind.JUDGMENT, index=1),
        listed(half, Standing.STAYED, kind=Kind.ENFORCEMENT, index=2),
        listed(listing_facts(), kind=Kind.LISTING, index=3),
    )
    assert (found["judgment_open"], found["enforcement_stayed"], found["listing_open"]) == (1, 1, 1)
    assert found["judgment_stage_worst"] == JudgmentStage.JUDGED.number
    assert (found["owed_judgment"], found["owed_enforcement"]) == (120_500, 100_000)


def test_a_debt_owes_once_and_another_currency_is_counted_and_not_added() -> None:
    first = default_facts()
    sold = replace(first, amounts=Amounts(currency="CNY", principal=70_000))
    abroad = replace(default_facts(contract="HT-2"), amounts=Amounts(currency="EUR", principal=5))
    found = features(
        listed(first, index=1), listed(sold, issuer="lender-2", index=9), listed(abroad, issuer="lender-3", index=4)
    )
    assert (found["records"], found["lenders"], found["debts"]) == (3, 3, 2)
    assert (found["owed_default"], found["other_currencies"]) == (70_000, 1)


def test_what_must_not_be_counted_is_in_nothing_and_what_is_not_shown_in_one_number() -> None:
    assert features(listed(default_facts(), restricted=True)) == {}
    assert features(listed(None, unopened=Unopened.SCOPE_PAID), listed(None, unopened=Unopened.RECIPROCITY)) == {
        "unopened_records": 2
    }


def test_nothing_is_no_number_and_no_word_is_a_currency() -> None:
    lost = Answer(verdict=Verdict.UNVERIFIABLE, registry="r", failure=Failure(part="head", rule="log.fork"))
    with pytest.raises(VerificationError, match="no features"):
        lost.features()
    for currency in ("cny", "CN", "", "元元元", None, 5):
        with pytest.raises(ConfigError, match="currency"):
            answer().features(currency)  # type: ignore[arg-type]  # what is refused


STATES = [(kind, standing) for kind in Kind for standing in Standing]


@given(
    st.lists(
        st.builds(
            lambda contract, standing, role, restricted, index: listed(
                replace(default_facts(contract=contract), subject_role=role),
                standing,
                index=index,
                restricted=restricted,
            ),
            st.sampled_from(["HT-1", "HT-2"]),
            st.sampled_from([Standing.OPEN, Standing.ARRANGED, Standing.CURED, Standing.TRANSFERRED]),
            st.sampled_from(list(SubjectRole)),
            st.booleans(),
            st.integers(1, 99),
        ),
        max_size=6,
        unique_by=lambda item: item.index,
    )
)
def test_features_do_not_depend_on_the_order_of_records(records: list[ListedRecord]) -> None:
    found = answer(*records).features()
    assert answer(*reversed(records)).features() == found
    assert all(value is None or value >= 0 for value in found.values.values())
    assert list(found.values) == [feature.name for feature in FEATURES]
