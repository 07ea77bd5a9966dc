"""A short soak: the mixed load runs without an error, and what is measured is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.errors import CreditRegistryError
from tests.soak.__main__ import Soaked, soak
from tests.soak.load import Load

if TYPE_CHECKING:
    from pathlib import Path


def test_a_mixed_load_is_served_without_an_error_and_plotted(tmp_path: Path) -> None:
    soaked = soak(0.05, tmp_path / "site", peak_seconds=2.0)
    assert soaked.calls
    assert soaked.problems == []
    picture = soaked.picture()
    assert picture.startswith("<svg")
    # A line for each program, and for each kind of call that has ended.
    assert picture.count("<polyline") > 3


def test_what_a_long_run_must_not_show_is_named() -> None:
    fine = Soaked(60.0, 100_000, 0, 20, 0.2, 1.1, 60, 0, [])
    assert fine.problems == []
    for wrong, told in (
        (fine._replace(errors=2), "2 calls failed"),
        (fine._replace(findings=1), "1 findings of audits"),
        (fine._replace(audits=0), "no audit came to an end"),
        (fine._replace(rss_growth_mb=400, growth=1.5), "memory has grown by 150%"),
        (fine._replace(p99_ratio=2.5), "latency has grown to 2.50 of what it was"),
    ):
        assert wrong.problems == [told]
    # A run of seconds warms up from its beginning to its end.
    assert fine._replace(minutes=0.1, rss_growth_mb=400, growth=1.5, p99_ratio=2.5).problems == []


def test_whatever_a_call_raises_is_counted() -> None:
    for error in (CreditRegistryError("one"), ValueError("another")):
        load = Load([_Failing(error)], 1)  # type: ignore[list-item]  # a client of which each call fails
        for _ in load.run(0.05):
            pass
        calls = load.take()
        assert {call.error for call in calls} == {type(error).__name__}


class _Failing:
    """A client of which each call fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def report(self, *_: object, **__: object) -> None:
        raise self._error

    check = report_many = report
