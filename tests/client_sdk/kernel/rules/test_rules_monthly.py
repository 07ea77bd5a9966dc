"""Monthly history: what versions say of each month, and nothing beyond it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.rules.monthly import KnownVersion, monthly_history
from tests.client_sdk.kernel.rules import facts_samples

# 60 days past due on 2025-09-30, counted from 2025-08-01.
FACTS = facts_samples.DEFAULT
UNTIL = date(2025, 12, 3)


def shown(*versions: KnownVersion, until: date = UNTIL, kind: Kind = Kind.DEFAULT) -> list[str]:
    return [
        " ".join(
            (
                row.month,
                "-" if row.standing is None else row.standing.name,
                "-" if row.version is None else str(row.version),
                "-" if row.as_of is None else f"{row.days_past_due} on {row.as_of}" + ("*" if row.follows else ""),
                row.code,
            )
        )
        for row in monthly_history(kind, versions, until)
    ]


def test_days_are_stated_follow_or_are_not_reported() -> None:
    newest = KnownVersion(1, Standing.OPEN, date(2025, 10, 2), FACTS)
    assert shown(newest) == [
        "2025-08 - - 30 on 2025-08-31* 1",
        "2025-09 OPEN 1 60 on 2025-09-30 2",
        "2025-10 OPEN - - #",
        "2025-11 OPEN - - #",
        "2025-12 OPEN - - #",
    ]


def test_nothing_follows_where_older_payments_were_made_up_for() -> None:
    for changes in ({"days_past_due": 40}, {"days_estimated": True}):
        newest = KnownVersion(1, Standing.OPEN, date(2025, 10, 2), replace(FACTS, **changes))
        assert shown(newest)[0] == f"2025-09 OPEN 1 {newest.facts.days_past_due} on 2025-09-30 2"  # type: ignore[union-attr]  # given


def test_of_one_month_the_newest_version_counts() -> None:
    march, corrected = date(2025, 9, 10), replace(FACTS, days_past_due=45)
    versions = [
        KnownVersion(1, Standing.OPEN, march, replace(FACTS, as_of=march, days_past_due=40)),
        KnownVersion(2, Standing.OPEN, date(2025, 11, 5), corrected),
    ]
    assert shown(*versions, until=date(2025, 9, 30))[-1] == "2025-09 OPEN 2 45 on 2025-09-30 2"


def test_of_sealed_versions_the_standing_is_known_from_the_day_of_their_leaf() -> None:
    paid = replace(FACTS, as_of=date(2025, 11, 30), days_past_due=0, ended_on=date(2025, 11, 20))
    versions = [
        KnownVersion(1, Standing.OPEN, date(2025, 9, 2)),
        KnownVersion(2, Standing.ARRANGED, date(2025, 10, 2)),
        # Logged in December, and of November: what came before it was so by then.
        KnownVersion(3, Standing.ARRANGED, date(2025, 12, 1)),
        KnownVersion(4, Standing.CURED, date(2025, 12, 2), paid),
    ]
    assert shown(*versions) == [
        "2025-09 OPEN 1 - #",
        "2025-10 ARRANGED 2 - #",
        "2025-11 CURED 4 0 on 2025-11-30 N",
    ]
    assert shown(*versions[:3])[-1] == "2025-12 ARRANGED 3 - #"
    # Who holds the newest alone learns of no other.
    assert shown(versions[-1]) == ["2025-11 CURED 4 0 on 2025-11-30 N"]


def test_a_debt_that_was_sold_is_not_shown_as_paid() -> None:
    sold = replace(FACTS, days_past_due=0, ended_on=date(2025, 9, 30))
    assert shown(KnownVersion(2, Standing.TRANSFERRED, date(2025, 10, 2), sold)) == ["2025-09 TRANSFERRED 2 - #"]


def test_a_judgment_has_standings_and_no_days() -> None:
    newest = KnownVersion(1, Standing.OPEN, date(2025, 10, 2), facts_samples.JUDGMENT)
    assert {row.code for row in monthly_history(Kind.JUDGMENT, [newest], UNTIL)} == {""}


days = st.dates(date(1900, 1, 1), date(2199, 12, 31))


@given(days, days, days, st.integers(0, 2**32 - 1), st.sampled_from((Standing.OPEN, Standing.CURED)), days)
def test_whatever_an_issuer_signs_there_are_at_most_sixty_months_in_order(
    logged_on: date, as_of: date, since: date, past_due: int, standing: Standing, until: date
) -> None:
    facts = replace(FACTS, as_of=as_of, first_delinquency_on=since, days_past_due=past_due)
    rows = monthly_history(Kind.DEFAULT, [KnownVersion(7, standing, logged_on, facts)], until)
    assert len(rows) <= 60
    assert all(before.month < after.month for before, after in pairwise(rows))
    assert all(row.month <= f"{until:%Y-%m}" for row in rows)
    for row in rows:
        if row.follows:
            assert row.as_of is not None
            assert since <= row.as_of < as_of
            assert row.days_past_due == past_due - (as_of - row.as_of) / timedelta(1)
