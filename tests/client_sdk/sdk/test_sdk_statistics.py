"""Statistics as members get them: read strictly, as CSV and as a plot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from client_sdk._protocol.statistics import read_statistics
from client_sdk.errors import FormatError, VerificationError
from client_sdk.kernel.ledger.statistics import COLUMNS, MonthRow
from client_sdk.models import Breakdown, Statistics, StatisticsRow
from tests.support.statistics_lies import statistics_message

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = Breakdown.ISSUER_SIZE
MARCH = MonthRow("2026-03", SIZE, 60, (40, None, None, 0))
APRIL = MonthRow("2026-04", SIZE, None, (None,) * 4)
MAY = MonthRow("2026-05", SIZE, 0, (0,) * 4)
BROKEN: dict[str, Callable[[], list[MonthRow]]] = {
    "a month that is not over": lambda: [MARCH, MAY._replace(month="2026-06")],
    "no month": lambda: [MARCH._replace(month="2026-3")],
    "months out of order": lambda: [APRIL, MARCH],
    "a month twice": lambda: [MARCH, MARCH],
    "a column too few": lambda: [MARCH._replace(counts=MARCH.counts[1:])],
    "a small count": lambda: [MARCH._replace(counts=(9, None, None, 0))],
    "a small total": lambda: [MARCH._replace(total=9, counts=(0, None, None, 0))],
    "one count withheld alone": lambda: [MARCH._replace(counts=(40, None, 0, 0))],
    "counts of more than the total": lambda: [MARCH._replace(total=30)],
    "counts of less than the total": lambda: [MARCH._replace(counts=(40, 0, 0, 0))],
    "few withheld": lambda: [MARCH._replace(total=42)],
    "a count beside a withheld total": lambda: [APRIL._replace(counts=(40, None, None, None))],
    "a number past all columns": lambda: [MARCH._replace(total=2**64 - 1, counts=(2**64 - 1, 0, 0, 0))],
}


def statistics() -> Statistics:
    rows = [MARCH, APRIL, MAY]
    return Statistics(
        size=100,
        before="2026-06",
        rows=tuple(
            StatisticsRow(
                month=row.month,
                breakdown=row.breakdown,
                total=row.total,
                counts=dict(zip(COLUMNS[SIZE], row.counts, strict=True)),
            )
            for row in rows
        ),
    )


def test_what_fits_together_is_read() -> None:
    message = statistics_message(100, "2026-06", [MARCH, APRIL, MAY])
    assert read_statistics(message) == (MARCH, APRIL, MAY)


@pytest.mark.parametrize("broken", BROKEN)
def test_what_does_not_fit_together_is_refused(broken: str) -> None:
    with pytest.raises(VerificationError):
        read_statistics(statistics_message(100, "2026-06", BROKEN[broken]()))


@pytest.mark.parametrize(("size", "before"), [(0, "2026-06"), (2**63, "2026-06"), (100, ""), (100, "June")])
def test_a_size_or_month_of_no_log_is_refused(size: int, before: str) -> None:
    with pytest.raises(VerificationError):
        read_statistics(statistics_message(size, before, []))


def test_a_breakdown_that_nobody_knows_is_refused() -> None:
    message = statistics_message(100, "2026-06", [MARCH])
    message.rows[0].breakdown = 99  # type: ignore[assignment]  # meant
    with pytest.raises(VerificationError):
        read_statistics(message)


def test_csv_has_a_line_for_each_count_and_leaves_out_what_is_withheld() -> None:
    lines = statistics().to_csv().splitlines()
    assert lines[0] == "month,breakdown,column,count"
    assert "2026-03,ISSUER_SIZE,UP_TO_99,40" in lines
    assert "2026-03,ISSUER_SIZE,UP_TO_999," in lines
    assert "2026-04,ISSUER_SIZE,TOTAL," in lines
    assert "2026-05,ISSUER_SIZE,TOTAL,0" in lines
    assert len(lines) == 1 + 3 * 5


def test_a_plot_is_svg_with_the_withheld_part_in_grey() -> None:
    root = ET.fromstring(statistics().to_svg(SIZE))  # noqa: S314 - written by this process
    text = " ".join(root.itertext())
    assert all(word in text for word in ("2026-03", "2026-04", "2026-05", "UP_TO_99", "withheld", "60"))
    bars = [part for part in root if part.get("width") == "26"]
    # 40 of 60, and above it the 20 that are withheld: two thirds and one third of the height.
    assert [part.get("height") for part in bars] == ["160", "80"]
    assert len({part.get("fill") for part in bars}) == 2


@pytest.mark.parametrize("breakdown", list(Breakdown))
def test_nothing_can_be_plotted_too(breakdown: Breakdown) -> None:
    empty = replace(statistics(), rows=())
    assert ET.fromstring(empty.to_svg(breakdown)) is not None  # noqa: S314 - written by this process
    assert empty.of(breakdown) == ()


def test_a_plot_of_no_breakdown_is_refused() -> None:
    with pytest.raises(FormatError):
        statistics().to_svg("COLOUR")
