"""The benchmarks' own judgement: what a run is told, and when it ends well."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from benchmarks import __main__ as program
from benchmarks import evidence_size
from benchmarks.generator import output_of
from benchmarks.table import FLOOR, Row, passes, render

if TYPE_CHECKING:
    from pathlib import Path


def test_every_row_has_its_module() -> None:
    for module in program.ROWS.values():
        assert callable(importlib.import_module(f"benchmarks.rows.{module}").measure)


def test_a_run_passes_only_where_each_row_comes_near_its_goal() -> None:
    near = Row("near", 1, 1, "x", FLOOR, 1.0)
    far = Row("far", 1, 1, "x", FLOOR - 0.01, 1.0)
    ceiling = Row("ceiling", 1, 1, "x", 1.1, 1.0, at_most=True)
    assert passes([near, ceiling])
    assert not passes([near, far])
    assert "MISSED" in render(near)


def test_a_row_that_breaks_is_told_with_its_cause_and_the_others_are_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> Row:
        raise RuntimeError("no answer after 600 s")

    rows = {"broken": broken, "good": lambda: Row("good", 2, 1, "x", 2, 1, note="and more")}
    monkeypatch.setattr(program, "ROWS", {name: name for name in rows})
    monkeypatch.setattr(program, "RESULTS", tmp_path / "bench" / "results.json")
    monkeypatch.setattr(
        program, "importlib", SimpleNamespace(import_module=lambda name: SimpleNamespace(measure=rows[name[16:]]))
    )
    monkeypatch.setattr("sys.argv", ["benchmarks"])
    assert program.main() == 1
    said = capsys.readouterr().out
    assert "RuntimeError: no answer after 600 s" in said
    assert "met; and more" in said
    assert "not measured: broken" in said
    assert '"name": "good"' in program.RESULTS.read_text()


def test_a_generator_that_fails_tells_why() -> None:
    with pytest.raises(RuntimeError, match=r"benchmarks\.calls: .*No such file"):
        output_of("benchmarks.calls", "127.0.0.1:1", "/nowhere", "1")


def test_evidence_that_is_weighed_verifies(monkeypatch: pytest.MonkeyPatch) -> None:
    for size in ("SUBJECTS", "LEAVES"):
        monkeypatch.setattr(evidence_size, size, 1_000)
    evidence_size._world.cache_clear()
    try:
        assert 0 < evidence_size.clear_bytes() < evidence_size.listed_bytes()
    finally:
        evidence_size._world.cache_clear()
