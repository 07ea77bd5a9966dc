"""Pre-flight runs the registry's own rules (P5): each broken one is told with row, field, rule, got and want."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from client_sdk.kernel.formats.check_digits import resident_check_digit
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import Standing
from client_sdk.lending.preflight import Preflight
from client_sdk.models import (
    Amounts,
    CollectionStage,
    DefaultFacts,
    DefaultReport,
    Identity,
    IdType,
    LegalBasis,
    NoticeChannel,
    Violation,
    debt,
    notice_sent,
    written_consent,
)
from tests.client_sdk.sdk_samples import default_facts, default_report, history, suit

NOW = datetime(2025, 12, 1, tzinfo=UTC)
PREFLIGHT = Preflight(Rulebook(), int(NOW.timestamp() * 1_000))


def with_facts(**changes: object) -> DefaultReport:
    return default_report(1, facts=replace(default_facts(), **changes))  # type: ignore[arg-type]  # any field


def child() -> Identity:
    body = "110105" + "20150601" + "001"
    return Identity.parse(IdType.CN_RESIDENT_ID, body + resident_check_digit(body))


def test_what_is_in_order_passes() -> None:
    for report in [*history(1), *suit(2)]:
        assert PREFLIGHT.check_report(report, 3) == []


@pytest.mark.parametrize(
    ("report", "reason", "rule"),
    [
        (with_facts(notice=None), "NOTICE_MISSING", "C06"),
        (
            with_facts(notice=notice_sent(document=b"n", sent_at=NOW, channel=NoticeChannel.SMS)),
            "NOTICE_LATE",
            "C06",
        ),
        (with_facts(consent=None), "CONSENT_MISSING", "C03"),
        (
            with_facts(consent=written_consent(document=b"c", given_on=date(2026, 1, 1))),
            "CONSENT_MISSING",
            "C20",
        ),
        (with_facts(legal_basis=LegalBasis.LEGALLY_PUBLIC), "FACTS_INVALID", "C03"),
        (with_facts(approver=" "), "APPROVER_MISSING", "F33"),
        (with_facts(called_on=date(2025, 4, 1)), "ROLE_NOT_LIABLE", "F30"),
        (with_facts(as_of=date(2026, 1, 1)), "DATE_INVALID", "date.future"),
        (with_facts(days_past_due=0), "FACTS_INVALID", "days.open"),
        (with_facts(amounts=Amounts(currency="XXQ", principal=1)), "CURRENCY_INVALID", "money.currency"),
        (with_facts(collection_stage=CollectionStage.ENDED), "FACTS_INVALID", "stage.standing"),
        (with_facts(debt=debt(original_creditor="NOBODY", contract="1")), "IDENTIFIER_INVALID", "creditor.code"),
        (replace(default_report(1), identity=child()), "MINOR_SUBJECT", "P07"),
        (replace(default_report(1), facts=None), "FACTS_INVALID", "facts.present"),
        (replace(default_report(1), facts=None, first_day=None), "DATE_INVALID", "first-day.present"),
        (replace(default_report(1), reference="\n"), "FACTS_INVALID", "reference.form"),
        (replace(default_report(1), reference="LOAN\u20284711"), "FACTS_INVALID", "text.characters"),
        (replace(default_report(1), reference="LOAN\ufe0f4711"), "FACTS_INVALID", "text.shapeless"),
        (replace(default_report(1), reference="LOAN \U0001fae8"), "FACTS_INVALID", "text.assigned"),
        (replace(default_report(1), transferee="lender-2"), "FACTS_INVALID", "transferee.absent"),
        (
            replace(history(1)[2], retain_until=date(2031, 1, 1)),
            "RETENTION_INVALID",
            "C07",
        ),
    ],
)
def test_a_broken_rule_is_told(report: DefaultReport, reason: str, rule: str) -> None:
    found = PREFLIGHT.check_report(report, 7)
    assert (reason, rule) in [(violation.reason, violation.rule) for violation in found]
    assert all(violation.row == 7 and violation.field for violation in found)


def test_what_is_past_its_time_is_refused() -> None:
    later = Preflight(Rulebook(), int(datetime(2030, 7, 1, tzinfo=UTC).timestamp() * 1_000))
    assert [violation.rule for violation in later.check_report(history(1)[2])] == ["retention.over"]
    assert later.check_report(history(1)[0]) == []


def test_versions_are_held_against_each_other() -> None:
    first, second, third = history(1)
    found = PREFLIGHT.check_chain([first, third, second], [1, 2, 3])
    assert found[:2] == [[], []]
    assert {violation.reason for violation in found[2]} == {"ILLEGAL_TRANSITION"}
    assert isinstance(second.facts, DefaultFacts)
    younger = replace(second, facts=replace(second.facts, first_delinquency_on=date(2025, 4, 30), days_past_due=10))
    assert [item.reason for item in PREFLIGHT.check_chain([first, younger], [1, 2])[1]] == ["REAGED"]


def test_version_one_begins_where_a_record_may_begin() -> None:
    cured = history(1)[2]
    assert [item.reason for item in PREFLIGHT.check_next(cured, None, 4)] == ["ILLEGAL_TRANSITION"]
    assert PREFLIGHT.check_next(replace(cured, standing=Standing.OPEN), None) == []


def test_a_violation_reads_as_a_sentence() -> None:
    violation = Violation(row=3, reason="NOTICE_LATE", field="facts.notice", rule="C06", got="0 ms", want="before")
    assert str(violation) == "row 3: NOTICE_LATE at facts.notice: C06 (got 0 ms, want before)"
