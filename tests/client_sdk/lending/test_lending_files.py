"""Portfolios in files: what is written reads as the same, and every bad cell is named without being shown."""

from __future__ import annotations

import csv
import gzip
import io
import json
import stat
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.errors import ConfigError, PreflightError
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.lending.column_guide import GUIDE
from client_sdk.lending.columns import COLUMNS
from client_sdk.lending.files import Encoding, read_csv, read_json_lines, read_portfolio, write_portfolio
from client_sdk.lending.rows import row_of
from client_sdk.lending.text_source import MAX_LINE_CHARACTERS
from client_sdk.models import (
    Arrangement,
    ArrangementOutcome,
    ArrangementPeriod,
    CollectionStage,
    ContactCount,
    DefaultCause,
    DefaultReport,
    NoticeChannel,
    RejectedRow,
    Report,
)
from tests.client_sdk.sdk_samples import default_report, history, listing_report, suit

if TYPE_CHECKING:
    from pathlib import Path

PORTFOLIO: list[Report] = [
    *history(1),
    *suit(2),
    listing_report(2),
    replace(default_report(3), standing=Standing.WITHDRAWN, facts=None),
    replace(default_report(4), attempt=2, continues=RecordKey("lender-9", bytes(range(16)))),
]


def without_rows(reports: list[Report]) -> list[Report]:
    return [replace(report, row=0) for report in reports]


def read_all(path: Path) -> list[Report]:
    rows = list(read_portfolio(path))
    reports = [row for row in rows if not isinstance(row, RejectedRow)]
    assert len(reports) == len(rows), rows
    return reports


def csv_text(*rows: dict[str, str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz", "p.jsonl", "p.jsonl.gz"])
def test_what_is_written_reads_as_the_same(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert write_portfolio(path, PORTFOLIO) == len(PORTFOLIO)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert without_rows(read_all(path)) == PORTFOLIO


def test_rows_are_called_by_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    write_portfolio(path, PORTFOLIO)
    assert [report.row for report in read_all(path)] == list(range(2, len(PORTFOLIO) + 2))
    lines = path.read_text().splitlines()
    rows = list(read_csv([f"{lines[0]}\n", "\n", f"{lines[1]}\n"]))
    assert isinstance(rows[0], type(PORTFOLIO[0]))
    assert rows[0].row == 3


def test_a_byte_order_mark_and_crlf_are_read(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    write_portfolio(path, PORTFOLIO[:1])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert without_rows(read_all(path)) == PORTFOLIO[:1]


def test_json_values_of_their_own_types() -> None:
    row: dict[str, object] = {**row_of(default_report(1)), "principal": 120_000, "estimated": False, "ended_on": None}
    (item,) = read_json_lines([json.dumps(row)])
    assert isinstance(item, DefaultReport)
    assert replace(item, row=0) == default_report(1)


def test_cause_contacts_and_arrangement_have_columns() -> None:
    report = default_report(1)
    assert report.facts is not None
    facts = replace(
        report.facts,
        collection_stage=CollectionStage.ARRANGED,
        default_cause=DefaultCause.UNABLE_TO_PAY,
        contacts=(
            ContactCount(channel=NoticeChannel.SMS, count=3),
            ContactCount(channel=NoticeChannel.CALL, count=1),
        ),
        arrangement=Arrangement(
            agreed_on=report.facts.as_of,
            instalments=6,
            period=ArrangementPeriod.MONTH,
            outcome=ArrangementOutcome.RUNNING,
        ),
    )
    arranged = replace(report, standing=Standing.ARRANGED, facts=facts)
    row = row_of(arranged)
    assert (row["contacts"], row["arrangement_period"]) == ("SMS:3 CALL:1", "MONTH")
    (item,) = read_json_lines([json.dumps(row | {"contacts": ["CALL:1", "sms:3"]})])
    assert isinstance(item, DefaultReport)
    assert replace(item, row=0) == arranged


@pytest.mark.parametrize(
    ("column", "text", "reason", "rule"),
    [
        ("kind", "DEFECT", "FACTS_INVALID", "column.word"),
        ("standing", "", "FACTS_INVALID", "column.present"),
        ("id_type", "VISA", "IDENTIFIER_INVALID", "column.word"),
        ("id_number", "110105180001010011", "IDENTIFIER_INVALID", "identity.check-digit"),
        ("reference", "", "FACTS_INVALID", "column.present"),
        ("as_of", "2025-02-30", "DATE_INVALID", "date.form"),
        ("as_of", "", "FACTS_INVALID", "column.present"),
        ("first_day", "1.2.2025", "DATE_INVALID", "date.form"),
        ("principal", "12.50", "FACTS_INVALID", "column.integer"),
        ("principal", "-1", "FACTS_INVALID", "column.integer"),
        ("principal", "1" * 40, "FACTS_INVALID", "column.integer"),
        ("days_past_due", "", "FACTS_INVALID", "column.present"),
        ("estimated", "yes", "FACTS_INVALID", "column.flag"),
        ("notice_sent_at", "2025-01-02T00:00:00", "DATE_INVALID", "column.time"),
        ("notice_digest", "abcd", "FACTS_INVALID", "column.hexadecimal"),
        ("consent_date", "", "FACTS_INVALID", "column.present"),
        ("contract", "--", "FACTS_INVALID", "contract.length"),
        ("continues_record_id", "00", "FACTS_INVALID", "column.present"),
        ("basis_reference", "loan", "BASIS_INVALID", "basis.none"),
        ("default_cause", "LAZY", "FACTS_INVALID", "column.word"),
        ("contacts", "SMS", "FACTS_INVALID", "column.contacts"),
        ("contacts", "SMS:3 SMS:4", "FACTS_INVALID", "column.contacts"),
        ("contacts", "SMS:-3", "FACTS_INVALID", "column.contacts"),
        ("contacts", f"SMS:{'9' * 40}", "FACTS_INVALID", "column.contacts"),
        ("arrangement_paid", "3", "FACTS_INVALID", "column.present"),
    ],
)
def test_a_bad_cell_is_named_and_not_shown(column: str, text: str, reason: str, rule: str) -> None:
    row = {**row_of(default_report(1)), column: text}
    (item,) = read_csv(io.StringIO(csv_text(row)))
    assert isinstance(item, RejectedRow)
    assert item.row == 2
    first = item.violations[0]
    assert (first.row, first.reason) == (2, reason)
    assert first.rule == rule or first.rule.startswith("identity.")
    assert len(text) < 4 or text not in str(item)


def test_all_bad_cells_of_a_row_are_named() -> None:
    row = {**row_of(default_report(1)), "id_number": "1", "as_of": "x", "fees": "x", "approver": ""}
    (item,) = read_csv(io.StringIO(csv_text(row)))
    assert isinstance(item, RejectedRow)
    assert {violation.field for violation in item.violations} == {"id_number", "as_of", "fees", "approver"}


def test_a_bad_row_holds_up_nothing() -> None:
    good = row_of(default_report(1))
    text = csv_text(good, {**good, "as_of": "x"}, good) + "a,b\n"
    rows = list(read_csv(io.StringIO(text)))
    assert [isinstance(row, RejectedRow) for row in rows] == [False, True, False, True]
    lines = [json.dumps(good), "[]", '{"colour": "red"}', "{", json.dumps(good)]
    assert [isinstance(row, RejectedRow) for row in read_json_lines(lines)] == [False, True, True, True, False]


def test_a_cell_of_another_kind_of_record_is_refused() -> None:
    rows = {report.kind.name: row_of(report) for report in PORTFOLIO}
    kinds = {"D": Kind.DEFAULT, "J": Kind.JUDGMENT, "E": Kind.ENFORCEMENT, "L": Kind.LISTING}
    for kind, row in rows.items():
        for column in set(COLUMNS) - set(row):
            if column in ("ended_on", "basis_reference", "basis_first_day"):
                continue
            is_for = {kinds[letter].name for letter in GUIDE[column].kinds}
            (item,) = read_csv(io.StringIO(csv_text({**row, column: "120000"})))
            found = (
                [one.field for one in item.violations if one.rule == "column.kind"]
                if isinstance(item, RejectedRow)
                else []
            )
            assert found == ([] if kind in is_for else [column]), (kind, column)
    (item,) = read_csv(io.StringIO(csv_text({**rows["JUDGMENT"], "days_past_due": "0", "days_estimated": "false"})))
    assert not isinstance(item, RejectedRow)


@pytest.mark.parametrize("is_json", [False, True])
def test_a_row_that_cannot_be_read_says_which_record_it_may_be_of(*, is_json: bool) -> None:
    row = row_of(default_report(1))
    reference = row["reference"]
    header, good, *_ = csv_text(row).splitlines()
    broken = [
        csv_text({**row, "notice_sent_at": "2025-01-02"}).splitlines()[1],
        f"{good},more",
        good.partition(",")[2],
        good.replace("DEFAULT", '"DEFAULT'),
    ]
    text = json.dumps(row)
    if is_json:
        broken = [json.dumps({**row, "fees": 1.5}), text[:-1] + ', "fees": "1", "fees": "2"}', text[:-1], f"[{text}]"]
    rows = read_json_lines([text, *broken]) if is_json else read_csv(f"{line}\n" for line in (header, good, *broken))
    _, *found = rows
    assert [type(item) for item in found] == [RejectedRow] * len(broken)
    for item in found:
        assert isinstance(item, RejectedRow)
        assert reference in item.references
        assert reference not in f"{item} {item.to_dict()}"
    assert isinstance(found[0], RejectedRow)
    assert (found[0].kind, found[0].first_day) == (Kind.DEFAULT, date(2025, 3, 31))


@pytest.mark.parametrize(
    ("header", "got"),
    [
        ("", "no header"),
        ("colour,shape", "no header"),
        ("kind,colour", "1 unknown column, the first at place 2"),
        ("colour,kind,,shape", "3 unknown columns, the first at place 1"),
        ("kind,kind", "a column twice"),
        ("kind,standing,id_type,refrence", "1 unknown column, the first at place 4, perhaps reference"),
        ("kind,standing,id_type,as_of", "no column id_number and none reference"),
    ],
)
def test_a_header_that_is_none(header: str, got: str) -> None:
    with pytest.raises(PreflightError) as caught:
        list(read_csv([f"{header}\n"]))
    [found] = caught.value.violations
    assert (found.row, found.rule, found.got) == (1, "columns.known", got)


def test_a_missing_header_shows_nothing_of_the_first_person() -> None:
    row = row_of(default_report(1))
    _, _, body = csv_text(row).partition("\n")
    with pytest.raises(PreflightError) as caught:
        list(read_csv(io.StringIO(body)))
    shown = f"{caught.value} {caught.value.violations}"
    assert not [cell for cell in row.values() if len(cell) > 5 and cell in shown]


def test_an_unknown_name_of_a_json_row_is_not_shown() -> None:
    number = row_of(default_report(1))["id_number"]
    (item,) = read_json_lines([json.dumps({number: "x", "kind": number})])
    assert isinstance(item, RejectedRow)
    assert item.violations[0].got == "1 others"
    assert number not in str(item)


def test_a_column_twice_in_a_json_row_is_refused() -> None:
    good = json.dumps(row_of(default_report(1)))
    twice = good[:-1] + ', "principal": "1"}'
    first, second = read_json_lines([twice, good])
    assert isinstance(first, RejectedRow)
    assert (first.row, first.violations[0].reason, first.violations[0].rule) == (1, "MALFORMED", "json.once")
    assert isinstance(second, DefaultReport)


def test_a_cell_that_is_too_long_is_told_with_the_limit() -> None:
    good = row_of(default_report(1))
    limit = csv.field_size_limit()
    first, second = read_csv(io.StringIO(csv_text({**good, "reference": "x" * (limit + 1)}, good)))
    assert isinstance(first, RejectedRow)
    assert first.row == 2
    assert first.violations[0].rule == "csv.length"
    assert first.violations[0].want == f"cells of at most {limit} characters"
    assert isinstance(second, DefaultReport)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        list(read_portfolio(tmp_path / "missing.csv"))


@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz", "p.jsonl"])
@pytest.mark.parametrize("bad", [b"\xff\xfe", b"\xe4\xbd", b"\xed\xb3\xbf"], ids=["never", "cut", "surrogate"])
def test_bytes_that_are_no_utf_8_are_told_with_their_line(tmp_path: Path, name: str, bad: bytes) -> None:
    file = tmp_path / name
    write_portfolio(file, PORTFOLIO)
    data = gzip.decompress(file.read_bytes()) if name.endswith(".gz") else file.read_bytes()
    lines = data.splitlines(keepends=True)
    lines[2] = bad + lines[2]
    data = b"".join(lines)
    file.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    with pytest.raises(PreflightError) as caught:
        list(read_portfolio(file))
    [found] = caught.value.violations
    assert (found.row, found.rule, found.want.split(";")[0]) == (3, "file.encoding", "UTF-8")


def test_compression_that_is_none_or_damaged_is_told_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "p.csv.gz"
    write_portfolio(file, [default_report(number) for number in range(1, 100)])
    whole = file.read_bytes()
    middle = len(whole) // 2
    damaged = whole[:middle] + bytes(byte ^ 0xFF for byte in whole[middle : middle + 64]) + whole[middle + 64 :]
    rows = []
    for data in (b"not gzip", whole[:middle], whole[:-1], damaged, whole[:-8] + bytes(8)):
        file.write_bytes(data)
        with pytest.raises(PreflightError) as caught:
            list(read_portfolio(file))
        [found] = caught.value.violations
        assert (found.reason, found.rule) == ("MALFORMED", "file.gzip")
        rows.append(found.row)
    assert rows[0] == 1
    assert 1 < rows[1] < rows[2] <= 101


@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz", "p.jsonl"])
def test_a_line_without_an_end_is_refused(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    line = b'{"a": "' if name.endswith("l") else b"reference"
    data = line + b"A" * MAX_LINE_CHARACTERS
    file.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    with pytest.raises(PreflightError) as caught:
        list(read_portfolio(file))
    [found] = caught.value.violations
    assert (found.row, found.rule) == (1, "file.line")


@given(st.lists(st.dictionaries(st.sampled_from(COLUMNS), st.text(max_size=20)), max_size=4))
def test_any_cells_give_reports_or_rejected_rows(rows: list[dict[str, str]]) -> None:
    for line in map(json.dumps, rows):
        for item in read_json_lines([line]):
            assert isinstance(item, RejectedRow) or item.reference


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        rows = list(read_csv(io.StringIO(f"kind,standing\n{text}", newline="")))
    except PreflightError:
        return
    assert all(isinstance(row, RejectedRow) for row in rows)


CHINESE = "\u4e2d\u534e\u4eba\u6c11\u5171\u548c\u56fd\u5317\u4eac\u5e02\u671d\u9633\u533a\u4eba\u6c11\u6cd5\u9662"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le-mark"])
@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz", "p.jsonl"])
def test_a_text_is_read_in_the_encoding_that_it_shows(tmp_path: Path, codec: str, name: str) -> None:
    row = {**row_of(default_report(1)), "approver": CHINESE}
    text = json.dumps(row, ensure_ascii=False) if name.endswith("jsonl") else csv_text(row)
    mark, codec = (b"\xff\xfe", "utf-16-le") if codec.endswith("mark") else (b"", codec)
    data = mark + text.encode(codec)
    file = tmp_path / name
    file.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    (report,) = read_portfolio(file)
    assert isinstance(report, DefaultReport)
    assert report.facts is not None
    assert report.facts.approver == CHINESE


def test_damaged_utf_8_is_never_read_as_gb18030(tmp_path: Path) -> None:
    text = csv_text({**row_of(default_report(1)), "approver": CHINESE}).encode()
    start = text.index(CHINESE.encode())
    file = tmp_path / "p.csv"
    for place in range(start, start + len(CHINESE.encode())):
        file.write_bytes(text[:place] + text[place + 1 :])
        with pytest.raises(PreflightError, match=r"file\.encoding"):
            list(read_portfolio(file))


def test_an_encoding_that_is_told_is_the_one_that_is_read(tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_bytes(csv_text({**row_of(default_report(1)), "approver": "\u738b"}).encode("gb18030"))
    with pytest.raises(PreflightError, match=r"file\.encoding"):
        list(read_portfolio(file))
    (report,) = read_portfolio(file, encoding=Encoding.GB18030)
    assert isinstance(report, DefaultReport)
    file.write_bytes(csv_text(row_of(default_report(1))).encode() + b"\x81")
    for encoding in Encoding:
        with pytest.raises(PreflightError, match=r"file\.encoding|columns\.known"):
            list(read_portfolio(file, encoding=encoding))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "\uff0c"])
def test_the_header_shows_what_stands_between_columns(separator: str) -> None:
    names, cells = csv_text(row_of(default_report(1))).splitlines()
    rows = list(read_csv([line.replace(",", separator) + 2 * separator + "\n" for line in (names, cells, " ")]))
    assert [type(row) for row in rows] == [DefaultReport]


def test_a_stream_is_read_to_its_end_and_again(tmp_path: Path) -> None:
    text = csv_text(row_of(default_report(1))).encode()
    for data in (text, gzip.compress(text), json.dumps(row_of(default_report(1))).encode()):
        portfolio = read_portfolio(io.BytesIO(data))
        assert [type(row) for row in portfolio] == [type(row) for row in portfolio] == [DefaultReport]
