"""Reporting portfolios: nothing is lost, nothing is doubled, every row is accounted for (P6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk._steps import run
from client_sdk.errors import UnavailableError
from client_sdk.kernel.formats.statement import RecordKey, Statement
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.lending.batch import BatchReporter
from client_sdk.lending.chains import ChainKey, record_id_of
from client_sdk.lending.outbox import Outbox
from client_sdk.models import BatchReport, Phase, Progress, RejectedRow, Report, Violation
from tests.client_sdk.lending.naive_registry import LENDER, NOW_MS, REGISTRY, NaiveLink, NaiveRegistry
from tests.client_sdk.sdk_samples import default_facts, default_report, history, person, suit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from client_sdk.kernel.rules.facts import DefaultFacts

SECRET = bytes(range(32))


@pytest.fixture
def registry() -> NaiveRegistry:
    return NaiveRegistry()


@pytest.fixture
def outbox_path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


def report_all(
    registry: NaiveRegistry, path: Path, reports: Iterable[Report | RejectedRow], progress: list[Progress] | None = None
) -> BatchReport:
    with Outbox(path, REGISTRY, LENDER) as outbox:
        reporter = BatchReporter(
            NaiveLink(registry), outbox, registry.issuer, SECRET, registry.preflight, registry.log_key, 120.0
        )
        return run(reporter.report(reports, None if progress is None else progress.append))


def counts(report: BatchReport) -> tuple[int, int, int, int, int]:
    return report.accepted, report.repeated, report.ended, report.erased, report.rejected_rows


def record_key(report: Report, attempt: int = 0) -> RecordKey:
    assert report.name is not None
    return RecordKey(LENDER, record_id_of(SECRET, ChainKey.of(report.name), attempt))


PORTFOLIO = [row for number in range(1, 21) for row in history(number, cured=number % 2 == 0)]


def test_every_row_is_logged_with_a_receipt(registry: NaiveRegistry, outbox_path: Path) -> None:
    progress: list[Progress] = []
    report = report_all(registry, outbox_path, PORTFOLIO, progress)
    assert counts(report) == (len(PORTFOLIO), 0, 0, 0, 0)
    assert report.complete
    assert report.records == 20
    assert next(state.phase for state in progress) is Phase.CHECKING
    assert progress[-1] == Progress(phase=Phase.DONE, done=len(PORTFOLIO), total=len(PORTFOLIO))
    with Outbox(outbox_path, REGISTRY, LENDER) as outbox:
        assert outbox.pending() == []
        for key, chain in registry.chains.items():
            for version in range(1, chain.version + 1):
                receipt = outbox.receipt(LENDER, key.record_id, version)
                assert receipt is not None
                assert receipt.leaf == registry.leaves[key, version][1].encode()


def test_one_issued_at_in_whole_seconds_and_records_in_random_order(registry: NaiveRegistry, outbox_path: Path) -> None:
    report_all(registry, outbox_path, PORTFOLIO)
    statements = [Statement.parse(payload) for payload in registry.sent]
    assert {statement.issued_at for statement in statements} == {NOW_MS // 1_000 * 1_000}
    order = [statement.record_id for statement in statements if statement.version == 1]
    given = [record_key(row).record_id for row in PORTFOLIO[:: len(PORTFOLIO) // 20]]
    assert order != given[: len(order)]
    for key in registry.chains:
        versions = [statement.version for statement in statements if statement.record_id == key.record_id]
        assert versions == sorted(versions)


def test_the_same_input_again_is_repeated(registry: NaiveRegistry, outbox_path: Path) -> None:
    report_all(registry, outbox_path, PORTFOLIO)
    size = registry.tree.size
    assert counts(report_all(registry, outbox_path, PORTFOLIO)) == (0, len(PORTFOLIO), 0, 0, 0)
    assert registry.tree.size == size


def test_the_same_input_after_the_outbox_was_lost_is_repeated(registry: NaiveRegistry, outbox_path: Path) -> None:
    report_all(registry, outbox_path, PORTFOLIO)
    for file in outbox_path.parent.iterdir():
        file.unlink()
    assert counts(report_all(registry, outbox_path, PORTFOLIO)) == (0, len(PORTFOLIO), 0, 0, 0)


def test_only_what_is_new_is_sent(registry: NaiveRegistry, outbox_path: Path) -> None:
    first, second, third = history(1)
    report_all(registry, outbox_path, [first])
    assert counts(report_all(registry, outbox_path, [first, second, third])) == (2, 1, 0, 0, 0)
    assert counts(report_all(registry, outbox_path, [third])) == (0, 1, 0, 0, 0)
    assert registry.chains[record_key(first)].version == 3


def test_a_version_without_its_history_follows_what_is_held(registry: NaiveRegistry, outbox_path: Path) -> None:
    first, second, _ = history(1)
    report_all(registry, outbox_path, [first])
    assert counts(report_all(registry, outbox_path, [second])) == (1, 0, 0, 0, 0)
    assert registry.chains[record_key(first)].version == 2


@pytest.mark.parametrize("lose_answer", [False, True])
def test_an_interrupted_call_is_resumed_with_the_same_bytes(
    registry: NaiveRegistry, outbox_path: Path, *, lose_answer: bool
) -> None:
    registry.answers_left, registry.lose_answer = 0, lose_answer
    with pytest.raises(UnavailableError):
        report_all(registry, outbox_path, PORTFOLIO)
    signed = set(registry.sent)
    registry.answers_left = None
    report = report_all(registry, outbox_path, PORTFOLIO)
    assert report.accepted + report.repeated == len(PORTFOLIO)
    assert report.repeated == (len(PORTFOLIO) if lose_answer else 0)
    assert len(registry.leaves) == len(PORTFOLIO)
    if lose_answer:
        assert set(registry.sent) == signed


def test_a_chain_that_ended_so_is_repeated_and_otherwise_not_sent(registry: NaiveRegistry, outbox_path: Path) -> None:
    first = default_report(1)
    withdrawn = replace(first, standing=Standing.WITHDRAWN, facts=None)
    report_all(registry, outbox_path, [first, withdrawn])
    assert counts(report_all(registry, outbox_path, [first, withdrawn])) == (0, 2, 0, 0, 0)
    again = report_all(registry, outbox_path, [first])
    assert counts(again) == (0, 0, 1, 0, 0)
    assert again.notes[0].reason == "RECORD_ENDED"


def test_after_withdrawn_the_next_row_is_the_next_attempt(registry: NaiveRegistry, outbox_path: Path) -> None:
    first = default_report(1)
    withdrawn = replace(first, standing=Standing.WITHDRAWN, facts=None)
    anew = default_report(1, facts=default_facts(contract="HT-1", principal=99_000))
    assert counts(report_all(registry, outbox_path, [first, withdrawn, anew])) == (3, 0, 0, 0, 0)
    assert set(registry.chains) == {record_key(first, 0), record_key(first, 1)}
    # Systems that have forgotten the mistake find the record that replaced it.
    assert counts(report_all(registry, outbox_path, [anew])) == (0, 1, 0, 0, 0)
    assert counts(report_all(registry, outbox_path, [first, withdrawn, anew])) == (0, 3, 0, 0, 0)


def test_a_told_attempt_is_reported_anew(registry: NaiveRegistry, outbox_path: Path) -> None:
    first = default_report(1)
    report_all(registry, outbox_path, [first, replace(first, standing=Standing.WITHDRAWN, facts=None)])
    assert counts(report_all(registry, outbox_path, [replace(first, attempt=1)])) == (1, 0, 0, 0, 0)


def test_what_was_erased_is_not_sent(registry: NaiveRegistry, outbox_path: Path) -> None:
    report_all(registry, outbox_path, history(1))
    registry.erase(record_key(default_report(1)))
    report = report_all(registry, outbox_path, history(1))
    assert counts(report) == (0, 0, 0, 3, 0)
    assert {note.reason for note in report.notes} == {"RECORD_ERASED"}


def test_a_bad_row_is_rejected_and_holds_back_what_follows(registry: NaiveRegistry, outbox_path: Path) -> None:
    first, second, third = history(1)
    assert second.facts is not None
    bad = replace(second, facts=replace(second.facts, approver=""))
    report = report_all(registry, outbox_path, [first, bad, third, *history(2)])
    assert counts(report) == (4, 0, 0, 0, 2)
    assert [(item.row, item.reason) for item in report.rejected] == [(2, "APPROVER_MISSING"), (3, "PRECEDING_REJECTED")]


def test_a_row_after_an_unreadable_one_of_its_record_waits(registry: NaiveRegistry, outbox_path: Path) -> None:
    first, second, third = history(1)
    broken = (Violation(row=1, reason="MALFORMED", field="row", rule="csv.cells"),)
    held = ("PRECEDING_REJECTED", "chain.order")
    for unread in (
        RejectedRow(row=1, violations=broken, references=("x", first.reference)),
        RejectedRow(row=1, violations=broken, references=(first.reference,), kind=Kind.DEFAULT),
        replace(first, reference=first.reference, facts=None, first_day=None),
        replace(first, transferee=5),  # type: ignore[arg-type]  # meant
    ):
        report = report_all(registry, outbox_path, [unread, second, third])
        assert counts(report) == (0, 0, 0, 0, 3)
        assert [(item.reason, item.rule) for item in report.rejected[-2:]] == [held] * 2
        assert "row 1," in report.rejected[-1].want
    other_day = RejectedRow(row=1, violations=broken, references=(first.reference,), first_day=date(2020, 1, 1))
    other_kind = RejectedRow(row=1, violations=broken, references=(first.reference,), kind=Kind.JUDGMENT)
    assert counts(report_all(registry, outbox_path, [other_day, other_kind, first, second])) == (2, 0, 0, 0, 2)


def test_a_row_before_the_newest_version_that_was_never_logged_is_not_called_repeated(
    registry: NaiveRegistry, outbox_path: Path
) -> None:
    first, second, third = history(1)
    assert counts(report_all(registry, outbox_path, [second])) == (1, 0, 0, 0, 0)
    report = report_all(registry, outbox_path, [first, second])
    assert counts(report) == (0, 1, 0, 0, 1)
    assert [(item.row, item.rule) for item in report.rejected] == [(1, "as-of.backwards")]
    assert counts(report_all(registry, outbox_path, [first, second, third])) == (1, 1, 0, 0, 1)
    report = report_all(registry, outbox_path, [first, second, third])
    assert counts(report) == (0, 1, 0, 0, 2)
    assert [(item.row, item.rule) for item in report.rejected] == [(1, "chain.earlier"), (2, "chain.earlier")]
    withdrawn = replace(first, standing=Standing.WITHDRAWN, facts=None, first_day=date(2025, 3, 31))
    other = [*history(2, cured=False), replace(withdrawn, identity=person(2), reference=default_report(2).reference)]
    assert counts(report_all(registry, outbox_path, other[1:])) == (2, 0, 0, 0, 0)
    assert counts(report_all(registry, outbox_path, other)) == (0, 1, 0, 0, 2)


def test_an_unreadable_row_is_counted(registry: NaiveRegistry, outbox_path: Path) -> None:
    row = RejectedRow(row=7, violations=(Violation(row=7, reason="MALFORMED", field="row", rule="csv.cells"),))
    report = report_all(registry, outbox_path, [row, default_report(1)])
    assert counts(report) == (1, 0, 0, 0, 1)
    assert report.rejected[0].row == 7


def test_what_the_registry_refuses_is_told_by_row(registry: NaiveRegistry, outbox_path: Path) -> None:
    report_all(registry, outbox_path, [default_report(1, reference="other")])
    report = report_all(registry, outbox_path, history(1))
    assert [item.reason for item in report.rejected] == ["DEBT_TAKEN", "PRECEDING_REJECTED", "PRECEDING_REJECTED"]
    with Outbox(outbox_path, REGISTRY, LENDER) as outbox:
        assert outbox.pending() == []


def test_another_person_is_refused(registry: NaiveRegistry, outbox_path: Path) -> None:
    first = default_report(1)
    report_all(registry, outbox_path, [first])
    report = report_all(registry, outbox_path, [replace(first, identity=person(2))])
    assert [item.reason for item in report.rejected] == ["SUBJECT_CHANGED"]


@pytest.mark.parametrize("standing", [Standing.WITHDRAWN, Standing.CURED])
def test_another_person_ends_nothing(registry: NaiveRegistry, outbox_path: Path, standing: Standing) -> None:
    first = default_report(1)
    report_all(registry, outbox_path, [first])
    facts = None if standing is Standing.WITHDRAWN else history(1)[-1].facts
    end = replace(first, standing=standing, facts=facts, first_day=date(2025, 3, 31))
    report = report_all(registry, outbox_path, [replace(end, identity=person(2))])
    assert counts(report) == (0, 0, 0, 0, 1)
    assert [(item.reason, item.rule) for item in report.rejected] == [("SUBJECT_CHANGED", "record.person")]
    assert report_all(registry, outbox_path, [end]).rejected == ()


def test_another_person_in_a_later_row_is_refused_before_anything_is_held(
    registry: NaiveRegistry, outbox_path: Path
) -> None:
    first = default_report(1)
    end = replace(first, identity=person(2), standing=Standing.WITHDRAWN, facts=None, first_day=date(2025, 3, 31))
    report = report_all(registry, outbox_path, [first, end])
    assert counts(report) == (1, 0, 0, 0, 1)
    assert [(item.row, item.reason) for item in report.rejected] == [(2, "SUBJECT_CHANGED")]


def test_no_version_is_sent_of_a_record_whose_end_is_over_its_retention(
    registry: NaiveRegistry, outbox_path: Path
) -> None:
    long_ago = [replace(row, facts=of_2018(row.facts)) for row in history(1) if row.facts is not None]
    report = report_all(registry, outbox_path, [*long_ago, *history(2)])
    assert counts(report) == (len(history(2)), 0, 0, 0, len(long_ago))
    by_row = {item.row: item.rule for item in report.rejected}
    assert by_row == {1: "retention.record", 2: "retention.record", 3: "retention.over"}


def of_2018(facts: DefaultFacts) -> DefaultFacts:
    return replace(
        facts,
        as_of=facts.as_of.replace(year=2018),
        first_delinquency_on=facts.first_delinquency_on.replace(year=2018),
        ended_on=facts.ended_on and facts.ended_on.replace(year=2018),
    )


def test_a_suit_is_sent_in_order_of_time_and_repeated(registry: NaiveRegistry, outbox_path: Path) -> None:
    rows = suit(1) + suit(2)
    assert counts(report_all(registry, outbox_path, rows)) == (len(rows), 0, 0, 0, 0)
    assert counts(report_all(registry, outbox_path, rows)) == (0, len(rows), 0, 0, 0)


def test_an_enforcement_finds_its_judgment_at_the_registry(registry: NaiveRegistry, outbox_path: Path) -> None:
    rows = suit(1)
    report_all(registry, outbox_path, rows[:3])
    assert counts(report_all(registry, outbox_path, rows[3:4])) == (1, 0, 0, 0, 0)


def test_an_enforcement_without_its_judgment_is_rejected(registry: NaiveRegistry, outbox_path: Path) -> None:
    report = report_all(registry, outbox_path, suit(1)[3:4])
    assert [item.reason for item in report.rejected] == ["BASIS_MISSING"]


def test_a_new_episode_of_one_debt_waits_for_the_end_of_the_one_before(
    registry: NaiveRegistry, outbox_path: Path
) -> None:
    for number in range(1, 31):
        facts = replace(
            default_facts(contract=f"HT-{number}", as_of=date(2025, 9, 30)), first_delinquency_on=date(2025, 8, 31)
        )
        second = replace(default_report(number, facts=facts), first_day=date(2025, 8, 31))
        assert counts(report_all(registry, outbox_path, [*history(number), second])) == (4, 0, 0, 0, 0)


def test_each_person_is_named_once(registry: NaiveRegistry, outbox_path: Path) -> None:
    report_all(registry, outbox_path, PORTFOLIO)
    assert registry.named == 20
    assert registry.streams == 1
