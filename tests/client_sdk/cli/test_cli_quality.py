"""``quality``: the rules that a portfolio breaks, the worst first, without a value of any row."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from client_sdk.lending.files import write_portfolio
from client_sdk.models import Role, RowWarning, RuleTier, Violation
from client_sdk.models.quality import quality_of
from tests.client_sdk.cli.command_samples import id_number
from tests.client_sdk.sdk_samples import default_report
from tests.support.command import Command

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.testing import TestRegistry


def broken(row: int, rule: str = "date.order", field: str = "ended_on", reason: str = "DATE_INVALID") -> Violation:
    return Violation(row=row, reason=reason, field=field, rule=rule)


def odd(row: int, rule: str = "money.hundredfold") -> RowWarning:
    return RowWarning(row=row, column="principal", rule=rule, text="look at it")


def test_rules_that_keep_rows_back_come_first_and_those_of_most_rows_before_others() -> None:
    violations = [broken(8), *(broken(row, "column.word", "product", "FACTS_INVALID") for row in range(30, 20, -1))]
    warnings = [odd(row) for row in range(50, 80)]
    report = quality_of(100, 11, violations, warnings)
    assert [(rule.tier, rule.rule, rule.rows) for rule in report.rules] == [
        (RuleTier.FIELD, "column.word", 10),
        (RuleTier.RECORD, "date.order", 1),
        (RuleTier.WARNING, "money.hundredfold", 30),
    ]
    assert report.rules[0].examples == (21, 22, 23, 24, 25)
    assert (report.score, report.warned_rows) == (8_900, 30)


def test_a_row_counts_once_for_a_rule_and_once_among_those_kept_back() -> None:
    report = quality_of(3, 1, [broken(1), broken(1)], [odd(1), odd(2)])
    assert [rule.rows for rule in report.rules] == [1, 2]
    assert (report.score, report.warned_rows) == (6_666, 1)


def test_a_score_is_never_rounded_up_to_full_marks() -> None:
    assert quality_of(1_000_000, 1, [broken(1)], []).score == 9_999
    assert quality_of(0, 0, [], []).score == 10_000


def test_a_plot_has_a_bar_for_each_rule_in_the_colour_of_its_tier() -> None:
    root = ET.fromstring(quality_of(9, 2, [broken(1), broken(2)], [odd(3)]).to_svg())  # noqa: S314 - our own
    bars = [part for part in root if part.get("width") == "26"]
    assert [part.get("height") for part in bars] == ["240", "120"]
    assert len({part.get("fill") for part in bars}) == 2
    assert "withheld" not in "".join(root.itertext())


def test_a_file_is_held_against_the_rules_and_nothing_is_sent(lender: Command, number: int, tmp_path: Path) -> None:
    file, plot = tmp_path / "portfolio.csv", tmp_path / "quality.svg"
    base = 40_000 + 10 * number
    write_portfolio(file, [default_report(base + place) for place in range(4)])
    good = lender("quality", str(file)).content
    assert (good["rows"], good["rejected_rows"], good["score"], good["rules"]) == (4, 0, 10_000, [])
    with file.open(newline="") as source:
        rows = list(csv.DictReader(source))
    rows[1]["product"] = "GOLD"
    rows[2]["id_number"] = rows[2]["id_number"][:-1]
    with file.open("w", newline="") as target:
        lines = csv.DictWriter(target, rows[0].keys())
        lines.writeheader()
        lines.writerows(rows)
    found = lender("quality", str(file), "--svg", str(plot), code=1).content
    assert (found["rows"], found["rejected_rows"], found["score"]) == (4, 2, 5_000)
    rules = found["rules"]
    assert isinstance(rules, list)
    # Lines of the file: the header is the first.
    assert {(rule["tier"], rule["field"], tuple(rule["examples"])) for rule in rules} == {
        ("FIELD", "product", (3,)),
        ("FIELD", "id_number", (4,)),
    }
    said = lender.said("quality", str(file), code=1).out
    assert "50.00 % break no rule" in said
    assert not any(id_number(base + place)[:-1] in said + plot.read_text() for place in range(4))
    assert lender.said("records").out.count(f"loan-{base}") == 0


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.REPRESENTATIVE])
def test_a_member_that_reports_nothing_is_told_so_before_a_file_is_read(
    registry: TestRegistry, tmp_path: Path, role: Role
) -> None:
    member = Command(registry.enrol(f"no-{role.name.lower()}", role))
    for words in ((str(tmp_path / "missing.csv"), "--dry-run"), ("--kind", "DEFAULT", "--dry-run"), ("--edit",)):
        error = member("report", *words, code=1).content["error"]
        assert (error["reason"], error["got"], error["want"]) == ("NOT_PERMITTED", role.name, "LENDER")


def test_an_empty_portfolio_and_a_file_that_is_none_are_refused(lender: Command, tmp_path: Path) -> None:
    file = tmp_path / "empty.csv"
    write_portfolio(file, [])
    lender.said("quality", str(file), code=2)
    lender.said("quality", str(tmp_path / "missing.csv"), code=2)


def test_what_was_reported_is_shown_once_its_month_is_over(lender: Command, tmp_path: Path) -> None:
    plot = tmp_path / "months.svg"
    found = lender("quality", "--month", "2026-01", "--member", "lender-1", "--svg", str(plot)).content
    assert (found["months"], found["svg"]) == ([], str(plot))
    assert ET.fromstring(plot.read_text()) is not None  # noqa: S314 - written by this process
    assert "a month is shown once it is over" in lender.said("quality").out
    for words in (("--month", "January"), ("--encoding", "UTF-8"), ("portfolio.csv", "--month", "2026-01")):
        assert lender("quality", *words, code=2).reason == "USAGE"
