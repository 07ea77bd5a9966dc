"""What holds for every file of the project: it speaks of itself alone, is small enough to read, and excuses itself."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 500

# Files that others wrote, or that a program writes.
FOREIGN = (
    "proto/gen/",
    "tests/vectors/",
    "requirements.lock",
    "deploy/requirements.lock",
    "proto/tools.lock",
    "LICENSE",
)

UNWANTED = {
    "a path of one machine": re.compile(r"(?<![\w.$}-])/(?:work|root|home|Users|tmp|opt)/"),
    "a package registry's address": re.compile(
        r"pypi\.org|pythonhosted\.org|npmjs\.(?:com|org)|crates\.io|proxy\.golang"
    ),
    "work left undone": re.compile(r"\bTO[D]O\b|\bFIX[M]E\b|\bnot yet implemented\b|NotImplementedE[r]ror"),
    "a document that is not in the tree": re.compile(
        r"\bdesign[ -]\d|\bformats?[ -]\d(?!\d*[ -]?bit)|\bshared/|\breference/"
        r"|\b(?:domain-rule[s]|subject-privac[y])\b",
        re.IGNORECASE,
    ),
    "a ticket's number": re.compile(r"\bissues? #?\d", re.IGNORECASE),
    "a test that may not run": re.compile(r"pytest\.(?:skip|xfail|importorskip|mark\.skip|mark\.skipif|mark\.xfail)\b"),
}
DOCUMENT = re.compile(r"(?<![\w/.*])(?P<path>(?:\w+/)*[A-Z]+\.md|docs/[\w/]+\.md)(?:,? section)?(?: (?P<section>\d+))?")
DEFINITION = re.compile(r"^[ \t]*(?:async +def|def|class) +(\w+)", re.MULTILINE)
OUTWARD_PATH = re.compile(r"(?:^|[\s\"'(=`])((?:\.\./)+[\w./-]*)", re.MULTILINE)
EXCUSE = re.compile(
    r"#\s*(?:noqa(?::\s?[A-Z]+\d+(?:,\s?[A-Z]+\d+)*)?|type:\s*ignore(?:\[[a-z, -]+\])?)(?P<reason>.*)$", re.MULTILINE
)


def tracked(*patterns: str) -> list[str]:
    """Name the files that belong to the project and that it wrote itself."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "-z", "--", *patterns],  # noqa: S607  # git is where the developer has it
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    names = [name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]
    return [name for name in names if not name.startswith(FOREIGN)]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8", errors="ignore")


def place(name: str, text: str, position: int) -> str:
    return f"{name}:{text.count(chr(10), 0, position) + 1}"


@pytest.mark.parametrize("what", UNWANTED)
def test_no_file_holds(what: str) -> None:
    found = [
        f"{place(name, text, match.start())}: {match.group()}"
        for name in tracked()
        for text in [read(name)]
        for match in UNWANTED[what].finditer(text)
    ]
    assert found == []


def test_every_document_named_in_the_source_exists() -> None:
    """A section is cited as ``proto/README.md 5``: a file of the tree, and one of its sections."""
    sections = set(re.findall(r"^## (\d+)\.", read("proto/README.md"), re.MULTILINE))
    documents = set(tracked("*.md"))
    wrong = [
        f"{place(name, text, match.start())}: {match.group()}"
        for name in tracked("*.py", "*.proto", "*.toml", "Makefile")
        for text in [read(name)]
        for match in DOCUMENT.finditer(text)
        if match["path"] not in documents
        or (match["path"] == "proto/README.md" and match["section"] and match["section"] not in sections)
    ]
    assert wrong == []


def test_no_file_points_out_of_the_checkout() -> None:
    outward = [
        f"{place(name, text, match.start())}: {match.group(1)}"
        for name in tracked()
        if not name.startswith("tests/")
        for text in [read(name)]
        for match in OUTWARD_PATH.finditer(text)
        if not ((ROOT / name).parent / match.group(1)).resolve().is_relative_to(ROOT)
    ]
    assert outward == []


def test_no_module_is_too_long_to_read() -> None:
    lengths = {name: len(read(name).splitlines()) for name in tracked("*.py", "*.proto")}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_every_silenced_complaint_says_why() -> None:
    silent = [
        place(name, text, match.start())
        for name in tracked("*.py")
        for text in [read(name)]
        for match in EXCUSE.finditer(text)
        if len(match["reason"].split()) < 2
    ]
    assert silent == []


def test_a_module_is_described_by_a_noun() -> None:
    """The first line of a module is what a search finds: the standard name of the thing, not a question about it."""
    asked = [
        f"{name}: {first}"
        for name in tracked("client_sdk/**/*.py", "registry_server/**/*.py", "client_sdk/*.py", "registry_server/*.py")
        for first in [(ast.get_docstring(ast.parse(read(name))) or "").partition("\n")[0]]
        if first.startswith(("What ", "Whom ", "Who ", "That ", "How ", "Where ", "Why ", "Whoever "))
    ]
    assert asked == []


def test_signatures_of_statements_are_accepted_in_both_forms() -> None:
    """A lender may have signed a batch: only one module knows of the plain form alone."""
    plain = re.compile(r"dsse\.verify\((?:leaf\.payload_type|dsse\.STATEMENT\b)")
    sources = set(tracked("client_sdk/**/*.py", "registry_server/**/*.py"))
    assert [name for name in sorted(sources) if plain.search(read(name))] == [
        "client_sdk/kernel/formats/batch_signature.py"
    ]


def test_no_definition_is_called_policy() -> None:
    """Four things could claim the word, so each has one of its own: rulebook, quorum, permissions, criteria."""
    definitions = [
        f"{name}: {found[1]}"
        for name in tracked("*.py")
        if not name.startswith("tests/")
        for found in DEFINITION.finditer(read(name))
        if "policy" in found[1].lower()
    ]
    assert definitions == []


@pytest.mark.parametrize("package", ["client_sdk", "registry_server"])
def test_tests_lie_in_the_folder_of_what_they_test(package: str) -> None:
    folders = {Path(name).parent.relative_to("tests") for name in tracked(f"tests/{package}/**/test_*.py")}
    across = {Path("client_sdk/sdk")}  # clients as a whole, against real servers
    assert {str(folder) for folder in folders - across if not (ROOT / folder).is_dir()} == set()


def test_names_of_test_modules_are_unique() -> None:
    names = [Path(name).name for name in tracked("tests/**/test_*.py", "tests/test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []
