"""What the changelog says it says once: a merge that takes both sides of an entry leaves pieces of it behind."""

from __future__ import annotations

from collections import Counter
from pathlib import Path


def test_no_line_of_the_changelog_stands_twice() -> None:
    lines = Path("CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    assert not [line for line, count in Counter(lines).items() if count > 1 and line and not line.startswith("#")]
