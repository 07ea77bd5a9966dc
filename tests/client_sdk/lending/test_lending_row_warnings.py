"""Warnings that need two records or two versions: late enforcement, delayed performance, a cost that courts reduce."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.rules.facts import Amounts
from client_sdk.lending.chains import plan
from client_sdk.lending.preflight import Preflight
from client_sdk.lending.row_warnings import basis_warnings, report_warnings, step_warnings
from client_sdk.models import EnforcementReport, RejectedRow
from tests.client_sdk.kernel.rules.facts_samples import DEFAULT, ENFORCEMENT, JUDGMENT, LISTING
from tests.client_sdk.lending.naive_registry import NOW_MS
from tests.client_sdk.sdk_samples import default_report, suit

if TYPE_CHECKING:
    from client_sdk.models.row_warning import RowWarning

EFFECTIVE = date(2024, 12, 20)
AWARDED = Amounts(currency="CNY", principal=900_000, interest=80_000, fees=20_000)


def rules(found: list[RowWarning]) -> list[tuple[str, str]]:
    return [(warning.column, warning.rule) for warning in found]


@pytest.mark.parametrize(("filed", "warned"), [(date(2026, 12, 20), []), (date(2026, 12, 21), [("filed_on", "N02")])])
def test_enforcement_is_applied_for_within_two_years(filed: date, warned: list[tuple[str, str]]) -> None:
    assert rules(basis_warnings(JUDGMENT, replace(ENFORCEMENT, filed_on=filed), 1)) == warned


@pytest.mark.parametrize(("penalty", "warned"), [(15_750, []), (15_751, [("penalty", "N03")])])
def test_the_doubled_interest_of_delay(penalty: int, warned: list[tuple[str, str]]) -> None:
    """10,000.00 unpaid for 90 days give 157.50."""
    judged = replace(JUDGMENT, amounts=AWARDED)
    late = EFFECTIVE + timedelta(days=90)
    assert AWARDED.total == 1_000_000
    enforced = replace(ENFORCEMENT, applied=replace(AWARDED, penalty=penalty), as_of=late)
    assert rules(basis_warnings(judged, enforced, 1)) == warned
    assert basis_warnings(replace(judged, effective_on=None), enforced, 1) == []
    assert basis_warnings(DEFAULT, JUDGMENT, 1) == basis_warnings(ENFORCEMENT, LISTING, 1) == []


@pytest.mark.parametrize(("added", "warned"), [(24_000, []), (24_001, [("interest", "N04")])])
def test_a_cost_above_twenty_four_per_cent_a_year(added: int, warned: list[tuple[str, str]]) -> None:
    """100,000 minor units of principal for a year."""
    before = replace(DEFAULT, amounts=Amounts(currency="CNY", principal=100_000, interest=1_000))
    later = before.as_of + timedelta(days=365)
    amounts = Amounts(currency="CNY", principal=100_000, interest=1_000 + added // 2, penalty=added - added // 2)
    after = replace(before, amounts=amounts, as_of=later)
    assert rules(step_warnings(before, after, 1)) == warned
    # Nothing follows from books that were derived, from another principal, or from the same day.
    for other in (
        replace(after, amounts=replace(amounts, estimated=True)),
        replace(after, amounts=replace(amounts, principal=90_000)),
        replace(after, as_of=before.as_of),
    ):
        assert step_warnings(before, other, 1) == []


def test_a_portfolio_is_warned_of_a_late_enforcement() -> None:
    rows = suit(1)
    enforcement = rows[3]
    assert isinstance(enforcement, EnforcementReport)
    assert enforcement.facts is not None
    late = replace(enforcement.facts, filed_on=date(2027, 8, 21), as_of=date(2027, 8, 30))
    preflight = Preflight(Rulebook(), 1_900_000_000_000)
    planned = plan([*rows[:3], replace(enforcement, facts=late)], preflight)
    assert ("filed_on", "N02") in rules(planned.warnings)


# Its check digit holds; one that is another by its check digit alone; one that has no such day.
NUMBERED, OTHERS = "11010519491231002X", ("110105194912310020", "110105194913310029")


@pytest.mark.parametrize(
    ("name", "warned"),
    [
        (NUMBERED, ["reference", "contract"]),
        (f"LOAN-{NUMBERED}", ["reference", "contract"]),
        ("１１０１０５１９４９１２３１００２Ｘ", ["reference", "contract"]),
        ("110105 19491231 002x", ["reference", "contract"]),
        ("合同一一〇一〇五一九四九一二三一〇〇二X号", ["reference", "contract"]),
        ("①①⓪①⓪⑤①⑨④⑨①②③①⓪⓪②X", ["reference", "contract"]),
        *((other, []) for other in OTHERS),
        (f"2{NUMBERED}", []),
        ("LOAN-4711", []),
    ],
)
def test_an_identity_number_as_a_name_of_the_debt_is_warned_of_and_not_shown(name: str, warned: list[str]) -> None:
    report = default_report(1)
    facts = report.facts
    assert facts is not None
    named = replace(report, reference=name, facts=replace(facts, debt=replace(facts.debt, contract=name)))
    found = [item for item in report_warnings(named, 1) if item.rule == "number.identity"]
    assert [item.column for item in found] == warned
    assert all(name not in item.text and NUMBERED not in item.text for item in found)


def test_a_dry_run_warns_of_an_identity_number_as_reference_and_keeps_nothing_back() -> None:
    rows = [replace(default_report(1), reference=NUMBERED)]
    planned = plan(rows, Preflight(Rulebook(), NOW_MS))
    assert ("reference", "number.identity") in rules(planned.warnings)
    assert planned.rejected == []


def test_days_past_due_that_the_dates_do_not_give_are_warned_of() -> None:
    report = default_report(1)
    facts = report.facts
    assert facts is not None
    for days, estimated, warned in ((29, False, []), (30, False, []), (3, False, ["days.dates"]), (3, True, [])):
        given = replace(report, facts=replace(facts, days_past_due=days, days_estimated=estimated))
        assert [warning.rule for warning in report_warnings(given, 1)] == warned


def test_a_row_that_rests_on_a_row_that_is_not_sent_is_warned_of() -> None:
    first, enforced = suit(1)[2:4]
    unread = RejectedRow(row=1, violations=(), references=(first.reference,), kind=first.kind)
    for broken in (unread, replace(first, transferee="lender-9")):
        found = plan([broken, enforced], Preflight(Rulebook(), NOW_MS)).warnings
        assert [(item.row, item.rule) for item in found if item.column == "basis_reference"] == [(2, "basis.rejected")]
