"""Days past due and codes are converted without a home, by the lists in force on a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.command import Command

if TYPE_CHECKING:
    from pathlib import Path


def test_days_and_codes_are_converted(tmp_path: Path) -> None:
    run = Command(tmp_path)
    assert {item["name"] for item in run("codes", "list").content["lists"]} >= {"china-m", "metro2-status"}
    given = run("codes", "convert", "--days", "45", "--as-of", "2026-03-01").content
    assert (given["codes"]["china-m"], given["codes"]["metro2-status"]) == (["M2"], ["71"])
    back = run("codes", "convert", "--code", "M2", "--list", "china-m", "--as-of", "2026-03-01").content
    assert (back["least"], back["most"], back["codes"]["metro2-status"]) == (31, 60, ["71", "78"])
    early = run("codes", "convert", "--days", "45", "--as-of", "2020-03-01").content
    assert early["codes"]["five-class-loan"] == []
    assert "M7+" in run.said("codes", "convert", "--code", "M7+", "--list", "china-m").out
    for wrong in (["--days", "1", "--code", "M2"], [], ["--code", "M2"], ["--code", "M9", "--list", "china-m"]):
        assert run.said("codes", "convert", *wrong, code=2).err
    assert run.said("codes", "convert", "--days", "40000", code=2).err
