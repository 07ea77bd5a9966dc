"""Every row of the table of bad input names tests that exist, and runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = re.findall(r"^\| ([^|]+) \| (`tests/[^|]+) \|$", (ROOT / "tests/README.md").read_text(), re.MULTILINE)
# Rows that no database can have a part in.
WITHOUT_DATABASE = (
    "identity numbers that are almost right (they never reach a registry)",
    "bytes that are no message, a call without one",
    "floods by one member or by strangers",
    "a statement too long, with control characters, an identity number or an illness (it is sealed on its way)",
    "codes and grounds that name somebody by number, and stay in the log (they are refused where they are read)",
    "a webhook that is down for a day, answers 500, redirects, never answers, or points inward (a member calls it)",
)
# A row for what only one kind of database knows.
ONE_DATABASE = (
    "an SQLite file that is moved, deleted or replaced while it is served",
    "a full disk under a key service, and behind its log",
)
# What a test asks for to be run on both databases, itself or through a fixture of its file or folder.
BOTH = (
    "database_url",
    "local_database_url",
    "database_kind",
    "site",
    "saved",
    "running",
    "registry",
    "ledger",
    "closing",
)


def test_the_table_is_there() -> None:
    assert len(ROWS) > 25


@pytest.mark.parametrize(("row", "cell"), ROWS, ids=[row for row, _ in ROWS])
def test_a_row_has_its_tests_on_both_databases(row: str, cell: str) -> None:
    named = re.findall(r"`(tests/[^`:]+)::(test_\w+)`", cell)
    assert named
    on_both = False
    for file, test in named:
        found = re.search(rf"^(?:async )?def {test}\(([^)]*)\)", (ROOT / file).read_text(), re.MULTILINE)
        assert found, f"{file}::{test}"
        on_both |= any(re.search(rf"\b{name}:", found[1]) for name in BOTH)
    assert on_both or row in (*WITHOUT_DATABASE, *ONE_DATABASE)
