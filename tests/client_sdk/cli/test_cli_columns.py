"""The columns of a portfolio are explained, their examples read, and options are named where options were given."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from client_sdk.cli.ui.columns import as_options
from client_sdk.kernel.formats.words import Kind
from client_sdk.lending.column_forms import form_of
from client_sdk.lending.column_guide import GUIDE, words_of_column
from client_sdk.lending.columns import COLUMNS, report_of
from client_sdk.models import RejectedRow, Violation
from tests.client_sdk.cli.command_samples import id_number, report_words
from tests.support.command import Command

if TYPE_CHECKING:
    from pathlib import Path

DIGESTS = ("notice_digest", "consent_digest")


def test_every_column_is_explained_in_the_order_of_a_file() -> None:
    assert tuple(GUIDE) == COLUMNS
    assert all(column.meaning.endswith(".") or "," in column.meaning for column in GUIDE.values())


def test_a_column_of_guarantors_alone_says_so() -> None:
    assert "GUARANTOR alone" in GUIDE["called_on"].meaning


@pytest.mark.parametrize("kind", Kind)
def test_the_examples_are_a_row_of_each_kind(kind: Kind) -> None:
    row = {name: column.example for name, column in GUIDE.items() if kind.name[0] in column.kinds} | {"kind": kind.name}
    read = report_of(row, 1)
    assert not isinstance(read, RejectedRow), read
    assert read.kind is kind


def test_an_explanation_has_meaning_form_words_and_example(tmp_path: Path) -> None:
    said = Command(tmp_path).said("report", "--columns", "--explain").out
    told = Command(tmp_path)("report", "--columns", "--explain").content["columns"]
    assert [column["name"] for column in told] == list(COLUMNS)
    for column in told:
        assert column["meaning"] in said
        assert column["form"] == form_of(column["name"])
        assert column["words"] == list(words_of_column(column["name"]))
    assert "12,500.00 CNY is 1250000" in said
    assert Command(tmp_path)("report", "--explain", code=2).reason == "USAGE"


def test_what_is_missing_is_named_by_its_option_with_what_it_takes(tmp_path: Path) -> None:
    words = ("report", "--kind", "DEFAULT", "--standing", "OPEN", "--identity-file", "-")
    error = Command(tmp_path)(*words, given=id_number(1), code=1).content["error"]
    missing = {item["field"]: item["want"] for item in error["violations"]}
    assert missing["--subject-role"] == "BORROWER|CO_BORROWER|GUARANTOR"
    assert missing["--as-of"] == "YYYY-MM-DD"
    assert all(field.startswith("--") for field in missing)


@pytest.mark.parametrize(
    ("field", "option"),
    [
        ("facts.notice.sent_at", "--notice-sent-at"),
        ("facts.amounts.principal", "--principal"),
        ("id_number", "--identity-file"),
        ("outbox", "outbox"),
    ],
)
def test_fields_of_the_rules_are_named_by_the_option_too(field: str, option: str) -> None:
    (told,) = as_options([Violation(reason="NOTICE_LATE", field=field, rule="x", want="before")])
    assert (told.field, told.want) == (option, "before")


def test_notice_and_consent_are_taken_as_documents(lender: Command, number: int, tmp_path: Path) -> None:
    words = list(report_words(number))
    for name in DIGESTS:
        place = words.index(f"--{name.replace('_', '-')}")
        file = tmp_path / name
        file.write_text(f"{name} of this person")
        words[place : place + 2] = [f"--{name.removesuffix('_digest')}-file", str(file)]
    lender(*words, "--yes", given=id_number(number))
    shown = lender("records", "--with-facts", "--identity-file", "-", given=id_number(number)).content["records"]
    for name in DIGESTS:
        facts = shown[0]["facts"][name.removesuffix("_digest")]
        assert facts["digest"] == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()


def test_a_document_is_given_once_and_is_not_empty(tmp_path: Path) -> None:
    command, file = Command(tmp_path / "home"), tmp_path / "notice.txt"
    file.touch()
    both = command(*report_words(1), "--notice-file", str(file), given=id_number(1), code=2).content["error"]
    assert "--notice-digest" in both["message"]
    words = ("report", "--kind", "DEFAULT", "--identity-file", "-", "--notice-file", str(file))
    assert "empty" in command(*words, given=id_number(1), code=2).content["error"]["message"]
