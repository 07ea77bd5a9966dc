"""What the README and the members' guide point to is there: files, sections, tests."""

from __future__ import annotations

import re

import pytest

from tests.readme.readme import ROOT

PAGES = (
    "README.md",
    "deploy/README.md",
    "examples/README.md",
    *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")),
)
# Pages that begin with a list of their sections.
LISTED = ("docs/members.md", "docs/operating.md")
TEXT = (ROOT / "README.md").read_text()


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_section_that_is_linked_exists(page: str) -> None:
    text, folder = (ROOT / page).read_text(), (ROOT / page).parent
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("http")]
    for link in links:
        file, _, section = link.partition("#")
        assert (folder / file).exists(), link
        assert not section or section in anchors((folder / file).read_text() if file else text), link


@pytest.mark.parametrize("page", LISTED)
def test_every_section_of_a_guide_is_listed_at_its_beginning(page: str) -> None:
    text = (ROOT / page).read_text()
    first = re.search(r"^## ", text, re.MULTILINE)
    assert first is not None
    listed = set(re.findall(r"\]\(#([^)]+)\)", text[: first.start()]))
    assert anchors("\n".join(re.findall(r"^## .*$", text, re.MULTILINE))) == listed


def test_every_promise_names_tests_of_its_name() -> None:
    rows = re.findall(r"^\| (P[1-7]) \|.*\| (.*) \|$", TEXT, re.MULTILINE)
    assert [promise for promise, _ in rows] == ["P1", "P2", "P3", "P4", "P5", "P6", "P7"]
    for promise, cell in rows:
        files = re.findall(r"\]\((tests/[^)]+)\)", cell)
        assert files, promise
        for file in files:
            assert f"def test_{promise.lower()}_" in (ROOT / file).read_text(), f"{promise}: {file}"
