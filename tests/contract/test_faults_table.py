"""Each row of the table of faults names a test that exists, and each file of tests about faults is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.contract.test_law import functions_in

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "faults.md"
_TEST = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")
# Of values that are almost right, and of an inbox's own kills: a part of what the table says in a word.
_ELSEWHERE = {"test_faults_almost_right.py", "test_faults_inbox.py"}


def rows() -> list[str]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("| ") and not line.startswith("| what is done")]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.split("|")[1].strip()[:60])
def test_each_fault_has_a_test_that_exists(row: str) -> None:
    ((path, name),) = _TEST.findall(row)
    assert name in functions_in(path)
    assert row.count("|") == 4


def test_each_file_about_faults_is_in_the_table() -> None:
    named = {Path(path).name for row in rows() for path, _ in _TEST.findall(row)}
    files = {file.name for file in (ROOT / "tests" / "faults").glob("test_*.py")}
    assert files - named == _ELSEWHERE
