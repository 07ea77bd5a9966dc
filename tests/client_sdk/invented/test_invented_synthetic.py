"""The invented borrowers: lawful histories in the promised numbers, and the same every time."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time

import pytest

from client_sdk.invented.parties import LENDERS
from client_sdk.invented.synthetic import BORROWERS, Story, borrowers, expected, portfolio
from client_sdk.kernel.rules.case_number import parse_case_number
from client_sdk.kernel.rules.check import check_admission, check_basis, check_facts, check_progress
from client_sdk.kernel.rules.lifecycle import check_transition, is_live
from client_sdk.models import (
    EnforcementFacts,
    JudgmentFacts,
    JudgmentStage,
    Kind,
    Outcome,
    RecordName,
    Report,
    Standing,
    Verdict,
)

TODAY = date(2026, 7, 1)
DAYS = (TODAY, date(2026, 12, 31), date(2028, 2, 29), date(2029, 1, 1))


def everything(today: date = TODAY) -> list[list[Report]]:
    people = borrowers()
    return [portfolio(people, place, LENDERS, today) for place in range(len(LENDERS))]


def newest(reports: list[Report]) -> dict[RecordName, Report]:
    return {report.name: report for report in reports if report.name is not None}


def check_resting(report: Report, held: dict[RecordName, Report]) -> None:
    assert report.facts is not None
    if report.basis is None:
        check_basis(report.kind, report.facts, None, None, None)
        return
    assert isinstance(report.basis.record, RecordName)
    basis = held[report.basis.record]
    check_basis(report.kind, report.facts, basis.kind, basis.standing, basis.facts)


@pytest.mark.parametrize("today", DAYS)
def test_every_step_passes_every_rule(today: date) -> None:
    moment = int(datetime.combine(today, time(4), UTC).timestamp()) * 1000
    for reports in everything(today):
        held: dict[RecordName, Report] = {}
        for report in reports:
            assert report.name is not None
            before = held.get(report.name)
            check_transition(report.kind, None if before is None else before.standing, report.standing)
            if report.facts is not None:
                check_facts(report.kind, report.standing, report.facts)
                check_admission(report.facts, submitted_at_ms=moment, issued_at_ms=moment, notice_hours=24, today=today)
                if before is not None and before.facts is not None:
                    check_progress(report.kind, before.standing, before.facts, report.standing, report.facts)
            if before is None and report.facts is not None:
                check_resting(report, held)
            held[report.name] = report


def test_a_thousand_borrowers_share_the_stories() -> None:
    assert sum(story.share for story in Story) == BORROWERS == len(borrowers())
    assert Counter(borrower.story for borrower in borrowers()) == {story: story.share for story in Story}
    assert len({borrower.identity for borrower in borrowers()}) == BORROWERS


def test_at_least_twenty_chains_go_all_the_way() -> None:
    chains = 0
    for reports in everything():
        steps: dict[str, list[tuple[Kind, Standing, str]]] = {}
        for report in reports:
            stage = report.facts.stage.name if isinstance(report.facts, JudgmentFacts) else ""
            steps.setdefault(report.reference, []).append((report.kind, report.standing, stage))
        for told in steps.values():
            stages = [stage for kind, standing, stage in told if kind is Kind.JUDGMENT and standing is Standing.OPEN]
            enforced = [standing for kind, standing, _ in told if kind is Kind.ENFORCEMENT]
            chains += (
                [stage for stage in stages if stage != "APPEALED"] == ["FILED", "JUDGED", "EFFECTIVE"]
                and enforced == [Standing.OPEN, Standing.STAYED, Standing.OPEN, Standing.SATISFIED]
                and told[-2:]
                == [
                    (Kind.JUDGMENT, Standing.SATISFIED, "EFFECTIVE"),
                    (Kind.DEFAULT, Standing.CURED, ""),
                ]
            )
    assert chains >= 20


def test_some_are_withdrawn_arranged_cured_and_appealed() -> None:
    reports = [report for lender in everything() for report in lender]
    standings = Counter(report.standing for report in reports)
    assert min(standings[standing] for standing in (Standing.WITHDRAWN, Standing.ARRANGED, Standing.CURED)) >= 20
    assert any(
        isinstance(report.facts, JudgmentFacts) and report.facts.stage is JudgmentStage.APPEALED for report in reports
    )


def test_case_numbers_are_those_of_no_real_case() -> None:
    numbers = [
        number
        for lender in everything()
        for report in lender
        if isinstance(report.facts, JudgmentFacts | EnforcementFacts)
        for number in (report.facts.case_number, getattr(report.facts, "judgment_case_number", ""))
        if number
    ]
    assert numbers
    assert all(parse_case_number(number).seq >= 9_000_000 for number in numbers)


def test_who_is_expected_to_be_clear_has_no_live_record() -> None:
    live = {
        record.identity for reports in everything() for record in newest(reports).values() if is_live(record.standing)
    }
    for borrower in borrowers():
        assert (borrower.identity in live) is (borrower.story.expected.verdict is Verdict.LISTED)


def test_every_verdict_and_assessment_occurs() -> None:
    assert {(answer.verdict, answer.outcome) for answer in expected(borrowers())} == {
        (Verdict.CLEAR, Outcome.NOT_ADVERSE),
        (Verdict.LISTED, Outcome.NOT_ADVERSE),
        (Verdict.LISTED, Outcome.WATCH),
        (Verdict.LISTED, Outcome.BLACKLISTED),
    }


def test_the_same_day_gives_the_same_portfolios() -> None:
    assert everything() == everything()
