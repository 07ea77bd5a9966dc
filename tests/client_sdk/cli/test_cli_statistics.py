"""``statistics``: what members see of the counts, in files and on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk import Client

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.testing import TestRegistry
    from tests.support.command import Command


def test_before_a_month_is_over_there_is_nothing_and_files_are_written_all_the_same(
    lender: Command, tmp_path: Path
) -> None:
    lines, plot = tmp_path / "counts.csv", tmp_path / "counts.svg"
    found = lender("statistics", "--by", "CURED_CAUSE", "--csv", str(lines), "--svg", str(plot)).content
    assert (found["rows"], found["csv"], found["svg"]) == ([], str(lines), str(plot))
    assert lines.read_text() == "month,breakdown,column,count\n"
    assert plot.read_text().startswith("<svg ")
    # A file that is there is never written over.
    before = plot.read_bytes()
    assert lender.said("statistics", "--svg", str(plot), code=None).code != 0
    assert plot.read_bytes() == before
    assert "no month with statements is over yet" in lender.said("statistics", "--from", "2026-01").out


def test_what_is_no_month_is_refused(registry: TestRegistry, lender: Command) -> None:
    assert lender("statistics", "--from", "March", code=2).reason == "MALFORMED"
    with Client(registry.config("lender-1")) as client:
        assert client.statistics(first_month="2026-01").rows == ()
