"""Metro 2 base segments: what they say becomes a report, and what they cannot say is refused by row with its reason."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk.errors import PreflightError
from client_sdk.lending.files import headings_of, read_portfolio
from client_sdk.lending.metro2 import BASE_LENGTH, HEADINGS
from client_sdk.models import CollectionStage, DefaultReport, Product, RejectedRow, Standing
from tests.client_sdk.sdk_samples import LENDER_CODE, NOTICE_AT, person

if TYPE_CHECKING:
    from pathlib import Path

PLACES = {
    "identification_number": 21,
    "consumer_account_number": 43,
    "account_type": 74,
    "account_status": 124,
    "amount_past_due": 164,
    "date_of_account_information": 182,
    "date_of_first_delinquency": 190,
    "date_closed": 198,
    "surname": 232,
}
GOOD = {
    "identification_number": person(1).number,
    "consumer_account_number": "LOAN 4711",
    "account_type": "18",
    "account_status": "78",
    "amount_past_due": "000001200",
    "date_of_account_information": "04302025",
    "date_of_first_delinquency": "03012025",
    "surname": "WANG",
}
DIGEST = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
MAPPED = {
    "identification_number": "id_number",
    "consumer_account_number": ["reference", "contract"],
    "account_type": "product",
    "amount_past_due": "principal",
    "date_of_account_information": "as_of",
    "date_of_first_delinquency": "first_delinquency_on",
    "standing": "standing",
    "days_past_due": "days_past_due",
    "collection_stage": "collection_stage",
    "ended_on": "ended_on",
}
CONSTANTS = {
    "kind": "DEFAULT",
    "id_type": "CN_RESIDENT_ID",
    "subject_role": "BORROWER",
    "legal_basis": "CONSENT",
    "approver": "desk",
    "original_creditor": LENDER_CODE,
    "currency": "CNY",
    "estimated": "true",
    "notice_channel": "SMS",
    "notice_sent_at": NOTICE_AT.isoformat(),
    "notice_digest": DIGEST,
    "consent_form": "WRITTEN",
    "consent_date": "2024-01-01",
    "consent_digest": DIGEST,
}


def segment(**fields: str) -> bytes:
    text = ["0426"] + [" "] * (BASE_LENGTH - 4)
    line = list("".join(text))
    for name, value in (GOOD | fields).items():
        start = PLACES[name] - 1
        line[start : start + len(value)] = value
    return "".join(line).encode()


def mapping(tmp_path: Path) -> Path:
    ignored = [name for name in HEADINGS if name not in MAPPED]
    columns = "\n".join(f"{name} = {columns!r}" for name, columns in MAPPED.items())
    constants = "\n".join(f"{name} = {text!r}" for name, text in CONSTANTS.items())
    file = tmp_path / "metro2.toml"
    file.write_text(
        f"amounts = 'major'\nignored = {ignored!r}\n[columns]\n{columns}\n[constants]\n{constants}\n"
        "[codes.product]\n18 = 'CREDIT_CARD'\n"
    )
    return file


def read(tmp_path: Path, *lines: bytes, end: bytes = b"\r\n") -> list[object]:
    file = tmp_path / "accounts.m2"
    file.write_bytes(b"".join(line + end for line in lines))
    return list(read_portfolio(file, mapping=mapping(tmp_path)))


def test_an_account_is_a_report(tmp_path: Path) -> None:
    header = b"0426HEADER".ljust(BASE_LENGTH)
    trailer = b"0426TRAILER".ljust(BASE_LENGTH)
    (report,) = read(tmp_path, header, segment(), trailer)
    assert isinstance(report, DefaultReport)
    assert (report.identity, report.reference, report.standing, report.row) == (
        person(1),
        "LOAN 4711",
        Standing.OPEN,
        2,
    )
    facts = report.facts
    assert facts is not None
    assert (facts.product, facts.amounts.principal, facts.amounts.estimated) == (Product.CREDIT_CARD, 120_000, True)
    assert (facts.as_of, facts.first_delinquency_on) == (date(2025, 4, 30), date(2025, 3, 1))
    assert (facts.days_past_due, facts.collection_stage) == (60, CollectionStage.COLLECTING)


def test_a_paid_account_is_cured_and_a_loss_written_off(tmp_path: Path) -> None:
    paid, lost = read(
        tmp_path,
        segment(account_status="64", date_closed="04152025", amount_past_due="000000000"),
        segment(account_status="97"),
        end=b"\n",
    )
    assert isinstance(paid, DefaultReport)
    assert isinstance(lost, DefaultReport)
    assert paid.facts is not None
    assert lost.facts is not None
    assert (paid.standing, paid.facts.ended_on) == (Standing.CURED, date(2025, 4, 15))
    assert (lost.standing, lost.facts.collection_stage) == (Standing.OPEN, CollectionStage.WRITTEN_OFF)


@pytest.mark.parametrize(
    ("fields", "column", "rule", "got"),
    [
        ({"account_status": "11"}, "standing", "metro2.status", "that is no default"),
        ({"account_status": "13"}, "standing", "metro2.status", "that has no standing here"),
        ({"account_status": "05"}, "standing", "metro2.status", "that has no standing here"),
        ({"account_status": "71"}, "days_past_due", "metro2.days", "60 days between the dates"),
        ({"date_of_first_delinquency": "00000000"}, "days_past_due", "metro2.days", "no date"),
        ({"date_of_account_information": "02302025"}, "as_of", "metro2.day", "no day"),
        ({"amount_past_due": "12.50    "}, "principal", "metro2.amount", "no 9 digits"),
        ({"account_type": "26"}, "product", "mapping.code", "2 digits"),
        ({"identification_number": "123456789         "}, "id_number", "identity.form", ""),
    ],
)
def test_what_a_segment_cannot_say_is_refused(
    tmp_path: Path, fields: dict[str, str], column: str, rule: str, got: str
) -> None:
    good, broken = read(tmp_path, segment(), segment(**fields))
    assert isinstance(good, DefaultReport)
    assert isinstance(broken, RejectedRow)
    found = {item.field: item for item in broken.violations}
    assert (found[column].row, found[column].rule) == (2, rule)
    assert got in found[column].got
    assert person(1).number not in str(broken)


@pytest.mark.parametrize("line", [segment()[:-1], segment() + b"J1", b"0426", b"x" * BASE_LENGTH])
def test_a_line_that_is_no_base_segment_ends_the_file(tmp_path: Path, line: bytes) -> None:
    with pytest.raises(PreflightError, match=r"metro2\.segment"):
        read(tmp_path, segment(), line)


def test_without_a_mapping_it_is_told_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "accounts.m2"
    file.write_bytes(segment())
    with pytest.raises(PreflightError, match=r"metro2\.mapping"):
        read_portfolio(file)
    assert headings_of(file) == list(HEADINGS)
