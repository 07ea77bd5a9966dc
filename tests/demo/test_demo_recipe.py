"""The recipe: overdue months become records that every rule of the registry lets in."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.invented.parties import LENDERS
from client_sdk.invented.people import holders, invented_person
from client_sdk.kernel.rules.check import check_admission, check_facts, check_progress
from client_sdk.kernel.rules.lifecycle import check_transition
from client_sdk.models import DefaultFacts, DefaultReport, RecordName, Standing
from demo.recipe import Tally, episodes, portfolio, tally
from demo.uci import MONTHS, Client, Month, parse_portfolio
from tests.demo.uci_file import (
    ALWAYS,
    CURED_IN_JUNE,
    FALLS_WITHOUT_ENDING,
    NEVER,
    OPEN_SINCE_JULY,
    TWO_EPISODES,
    file,
    line,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

SHAPES = (NEVER, OPEN_SINCE_JULY, CURED_IN_JUNE, TWO_EPISODES, FALLS_WITHOUT_ENDING, ALWAYS)
SUBMITTED = date(2026, 1, 5)
SUBMITTED_MS = 1_767_600_000_000


def client(late: Sequence[int], number: int = 1) -> Client:
    months = tuple(Month(as_of, k, 1000, 100) for as_of, k in zip(MONTHS, late, strict=True))
    return Client(number, months, 20_000, defaulted=False)


def facts(report: DefaultReport) -> DefaultFacts:
    assert report.facts is not None
    return report.facts


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1, "110105180001010010"), (2, "110105180001020016"), (30_000, "110105188202190018")],
)
def test_subjects_are_numbers_that_nobody_living_can_own(number: int, expected: str) -> None:
    assert invented_person(number).number == expected


def test_subjects_differ() -> None:
    assert len({invented_person(number).number for number in range(1, 30_001)}) == 30_000


def test_one_client_in_ten_is_shared_with_the_next_lender() -> None:
    held = [holders(number, 4) for number in range(1, 30_001)]
    assert holders(1, 4) == (0, 1)  # 1 div 4 = 0 ends in 0
    assert holders(4, 4) == (3,)
    assert [sum(own == place for own, *_ in held) for place in range(4)] == [7_500] * 4
    assert sum(len(places) == 2 for places in held) == 3_000
    assert [sum(place in others for _, *others in held) for place in range(4)] == [750] * 4


def test_a_single_lender_shares_nothing() -> None:
    assert holders(1, 1) == (0,)


@pytest.mark.parametrize(
    ("late", "lengths", "ends"),
    [
        (NEVER, [], []),
        (OPEN_SINCE_JULY, [3], [None]),
        (CURED_IN_JUNE, [2], [MONTHS[2]]),
        (TWO_EPISODES, [1, 2], [MONTHS[1], None]),
        (FALLS_WITHOUT_ENDING, [4], [MONTHS[5]]),
        (ALWAYS, [6], [None]),
    ],
)
def test_an_unbroken_run_is_one_episode(late: Sequence[int], lengths: list[int], ends: list[date | None]) -> None:
    found = episodes(client(late))
    assert [len(episode.months) for episode in found] == lengths
    assert [episode.ended_on for episode in found] == ends


@given(st.lists(st.integers(-2, 8), min_size=6, max_size=6))
def test_no_two_episodes_of_a_client_begin_on_one_day(late: list[int]) -> None:
    days = [episode.first_day for episode in episodes(client(late))]
    assert days == sorted(set(days))


@given(st.lists(st.integers(-2, 8), min_size=6, max_size=6), st.integers(-1000, 1000), st.integers(0, 1000))
def test_every_version_passes_every_rule(late: list[int], billed: int, paid: int) -> None:
    months = tuple(Month(as_of, k, billed, paid) for as_of, k in zip(MONTHS, late, strict=True))
    newest: dict[RecordName, DefaultReport] = {}
    for report in portfolio([Client(1, months, 20_000, defaulted=False)], 0, LENDERS):
        assert report.name is not None
        before = newest.get(report.name)
        check_transition(report.kind, None if before is None else before.standing, report.standing)
        check_facts(report.kind, report.standing, facts(report))
        check_admission(
            facts(report), submitted_at_ms=SUBMITTED_MS, issued_at_ms=SUBMITTED_MS, notice_hours=24, today=SUBMITTED
        )
        if before is not None:
            check_progress(report.kind, before.standing, facts(before), report.standing, facts(report))
        newest[report.name] = report


def test_amounts_are_the_unpaid_part_of_the_bill_and_never_skipped() -> None:
    (first, second) = portfolio(parse_portfolio(file([line(1, (0, 0, 0, 0, 1, 2), (0, 0, 0, 0, 90, -50))])), 0, LENDERS)
    assert facts(first).amounts.principal == 0  # 90 billed, 100 paid
    assert facts(second).amounts.principal == 0  # a negative bill
    (third,) = portfolio(parse_portfolio(file([line(1, (0, 0, 0, 0, 0, 2), (0, 0, 0, 0, 0, 350))])), 0, LENDERS)
    assert facts(third).amounts.principal == 25_000
    assert facts(third).amounts.currency == "TWD"
    assert all(facts(report).amounts.estimated for report in (first, second, third))


def test_days_are_estimated_and_off_the_edges_of_the_buckets() -> None:
    reports = portfolio([client(ALWAYS)], 0, LENDERS)
    days = [facts(report).days_past_due for report in reports]
    assert [(day + 29) // 30 for day in days] == list(ALWAYS)
    assert not any(day % 30 == 0 for day in days)
    assert all(facts(report).days_estimated for report in reports)


def test_an_end_is_one_more_version() -> None:
    reports = portfolio([client(CURED_IN_JUNE)], 0, LENDERS)
    assert [report.standing for report in reports] == [Standing.OPEN, Standing.OPEN, Standing.CURED]
    assert facts(reports[-1]).ended_on == MONTHS[2]
    assert facts(reports[-1]).days_past_due == 0
    assert [report.row for report in reports] == [1, 2, 3]


def test_notice_goes_before_and_consent_before_that() -> None:
    for report in portfolio([client(ALWAYS)], 0, LENDERS):
        notice, consent = facts(report).notice, facts(report).consent
        assert notice is not None
        assert consent is not None
        assert notice.sent_at.date() > consent.date
        assert len(notice.digest) == len(consent.digest) == 32


def test_a_shared_client_has_the_same_history_as_another_debt() -> None:
    own = portfolio([client(TWO_EPISODES)], 0, LENDERS)
    copy = portfolio([client(TWO_EPISODES)], 1, LENDERS)
    assert [facts(report).as_of for report in own] == [facts(report).as_of for report in copy]
    assert {facts(report).debt.contract for report in own}.isdisjoint(facts(report).debt.contract for report in copy)
    assert [report.identity for report in own] == [report.identity for report in copy]


def test_the_same_file_gives_the_same_reports() -> None:
    data = file(line(number, SHAPES[number % len(SHAPES)]) for number in range(1, 61))
    assert portfolio(parse_portfolio(data), 2, LENDERS) == portfolio(parse_portfolio(data), 2, LENDERS)


def test_the_tally_counts_what_the_portfolios_hold() -> None:
    clients = parse_portfolio(file(line(number, SHAPES[number % len(SHAPES)]) for number in range(1, 121)))
    counted = tally(clients, len(LENDERS))
    reports = [report for place in range(4) for report in portfolio(clients, place, LENDERS)]
    newest = {report.name: report.standing for report in reports}
    assert counted == Tally(
        borrowers=120,
        borrowers_with_records=len({report.identity for report in reports}),
        records=len(newest),
        versions=len(reports),
        open=list(newest.values()).count(Standing.OPEN),
        ended=list(newest.values()).count(Standing.CURED),
    )
    assert counted.borrowers_with_records == 100
