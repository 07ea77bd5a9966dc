"""A short soak: the mixed load runs without an error, and what is measured is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.soak.__main__ import soak

if TYPE_CHECKING:
    from pathlib import Path


def test_a_mixed_load_is_served_without_an_error_and_plotted(tmp_path: Path) -> None:
    soaked = soak(0.05, tmp_path / "site", peak_seconds=2.0)
    assert soaked.calls
    assert (soaked.errors, soaked.findings) == (0, 0)
    picture = soaked.picture()
    assert picture.startswith("<svg")
    # A line for each program, and for each kind of call that has ended.
    assert picture.count("<polyline") > 3
