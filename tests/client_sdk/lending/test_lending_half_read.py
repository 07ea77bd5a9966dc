"""A row of which some cells cannot be read is held against every rule that the others can be judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from client_sdk._protocol import arguments
from client_sdk.errors import PreflightError
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.lending.half_read import row_violations
from client_sdk.lending.preflight import Preflight
from client_sdk.lending.rows import row_of
from tests.client_sdk.lending.test_lending_preflight import NOW
from tests.client_sdk.sdk_samples import default_report, listing_report, suit

if TYPE_CHECKING:
    from client_sdk.models import Report

RULES = Preflight(Rulebook(listing_years=2), int(NOW.timestamp() * 1_000))
REPORTS = [default_report(1), *suit(2)[2:6], listing_report(3)]


def found_in(cells: dict[str, str]) -> set[tuple[str, str]]:
    return {(item.field, item.rule) for item in row_violations(cells, RULES)}


@pytest.mark.parametrize("report", REPORTS)
def test_one_cell_that_cannot_be_read_is_all_that_is_wrong_with_a_row_in_order(report: Report) -> None:
    row = row_of(report)
    assert row_violations(row, RULES) == []
    # Each of these is text, which every cell can be read as.
    texts = {"kind", "reference", "contract", "court", "cause", "issued_by", "batch_reference", "currency", "approver"}
    texts |= {"original_creditor", "case_number", "judgment_case_number", "basis_reference"}
    for column in {name for name, text in row.items() if text} - texts:
        broken = {field for field, _ in found_in(row | {column: "?"})}
        assert broken in ({column}, {"id_number"}), column


@pytest.mark.parametrize("report", REPORTS)
def test_without_a_kind_what_is_wrong_for_every_kind_is_told(report: Report) -> None:
    row = row_of(report) | {"kind": "LOAN"}
    assert found_in(row) == {("kind", "column.word")}
    wrong = {"as_of": "soon", "id_number": "?", "retain_until": "x", "principal": "much"}
    assert {field for field, _ in found_in(row | wrong)} >= {"kind", *wrong}


def test_rules_that_read_other_cells_are_judged() -> None:
    cells = row_of(default_report(1)) | {
        "as_of": "soon",
        "id_number": "11010518000101001X",
        "approver": "",
        "principal": "much",
    }
    cells |= {
        "subject_role": "GUARANTOR",
        "original_creditor": "x",
        "days_past_due": "9000",
        "consent_date": "2199-01-01",
    }
    assert found_in(cells) == {
        ("as_of", "date.form"),
        ("id_number", "identity.checksum"),
        ("approver", "column.present"),
        ("principal", "column.integer"),
        ("called_on", "F30"),
        ("original_creditor", "creditor.code"),
        ("consent_date", "C20"),
    }


def test_without_a_standing_what_is_broken_for_every_standing_is_told() -> None:
    cells = row_of(default_report(1)) | {"standing": "ALIVE", "days_past_due": "9000", "collection_stage": "ENDED"}
    assert found_in(cells) == {("standing", "column.word"), ("days_past_due", "days.plausible")}


@pytest.mark.parametrize("odd", [None, [("kind", "DEFAULT")], {"kind": 1}, {1: "DEFAULT"}, "kind"])
def test_what_is_no_row_of_text_is_refused(odd: Any) -> None:
    with pytest.raises(PreflightError, match=r"cells|text by column"):
        arguments.cells_of(odd)
