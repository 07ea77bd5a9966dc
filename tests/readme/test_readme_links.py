"""What the README points to is there: files, sections, tests."""

from __future__ import annotations

import re

from tests.readme.readme import ROOT, TEXT


def test_every_file_that_is_linked_exists() -> None:
    links = re.findall(r"\]\(([^)#][^)]*)\)", TEXT)
    assert links
    assert [link for link in links if not link.startswith("http") and not (ROOT / link).exists()] == []


def test_every_section_that_is_linked_exists() -> None:
    headings = re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors


def test_every_promise_names_tests_of_its_name() -> None:
    rows = re.findall(r"^\| (P[1-7]) \|.*\| (.*) \|$", TEXT, re.MULTILINE)
    assert [promise for promise, _ in rows] == ["P1", "P2", "P3", "P4", "P5", "P6", "P7"]
    for promise, cell in rows:
        files = re.findall(r"\]\((tests/[^)]+)\)", cell)
        assert files, promise
        for file in files:
            assert f"def test_{promise.lower()}_" in (ROOT / file).read_text(), f"{promise}: {file}"
