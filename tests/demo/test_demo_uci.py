"""Reading the real portfolio's file: strictly, and without the personal columns."""

from __future__ import annotations

import contextlib
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.uci import MONTHS, Client, Month, PortfolioError, parse_portfolio
from tests.demo.uci_file import ALWAYS, CURED_IN_JUNE, HEADER, NEVER, file, line


def test_months_come_oldest_first() -> None:
    (client,) = parse_portfolio(file([line(1, ALWAYS, (6, 5, 4, 3, 2, 1), (0, 1, 2, 3, 4, 5))]))
    assert client.number == 1
    assert [month.late for month in client.months] == [1, 2, 3, 4, 5, 6]
    assert [month.as_of for month in client.months] == list(MONTHS)
    assert client.months[0] == Month(MONTHS[0], 1, 6, 0)


def test_nothing_personal_is_kept() -> None:
    assert {field.name for field in fields(Client)} == {"number", "months", "limit", "defaulted"}
    assert {field.name for field in fields(Month)} == {"as_of", "late", "billed", "paid"}


def test_limit_takes_the_first() -> None:
    data = file(line(number, NEVER) for number in range(1, 8))
    assert [client.number for client in parse_portfolio(data, 3)] == [1, 2, 3]
    assert len(parse_portfolio(data)) == 7


GOOD = line(1, CURED_IN_JUNE)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "CRLF"),
        (file([]), "no client"),
        (file([GOOD]).replace(b"\r\n", b"\n"), "CRLF"),
        (file([GOOD[:-1] + "2"]), "line 2: the limit or the outcome is out of range"),
        (file([GOOD])[:-2], "CRLF"),
        (file([GOOD]) + b"\r\n", "line 3"),
        (file([GOOD]).replace(b"ID,", b"Id,"), "line 1"),
        (file([GOOD]).replace(b",column_25", b""), "line 1"),
        (file([GOOD + ",1"]), "line 2: 26 columns"),
        (file([GOOD, line(3, NEVER)]), "line 3: want client 2"),
        (file([GOOD.replace(",20000,", ",1.00E+05,")]), "line 2, column 2"),
        (file([GOOD.replace(",20000,", ",,")]), "line 2, column 2"),
        (file([GOOD.replace(",20000,", ",020000,")]), "line 2, column 2"),
        (file([line(1, (10, 0, 0, 0, 0, 0))]), "line 2: a status"),
        (file([line(1, NEVER, paid=(0, 0, 0, 0, 0, -1))]), "line 2: a status or a payment"),
        (f"{HEADER}\r\n{GOOD}\u00e9\r\n".encode(), "not ASCII"),
    ],
)
def test_a_file_that_is_almost_right_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(PortfolioError, match=complaint):
        parse_portfolio(data)


@given(st.binary(max_size=300))
def test_any_bytes_give_clients_or_the_one_error(data: bytes) -> None:
    with contextlib.suppress(PortfolioError):
        assert parse_portfolio(data)
