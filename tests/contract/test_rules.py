"""docs/rules.md has a line for every rule id that the source gives, and none for any other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.contract.rule_ids import rule_ids

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs/rules.md"
ROW = re.compile(r"\| `(?P<id>[^`]+)` \| (?P<text>[^|]+) \| (?P<source>[^|]+) \|")
SECTION = re.compile(r"proto/README\.md (\d+)")
CONTRACT_FILE = re.compile(r"[a-z_]+\.proto")


def rows() -> list[tuple[str, str, str]]:
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    matches = [ROW.fullmatch(line) for line in lines]
    assert None not in matches
    return [(match["id"], match["text"], match["source"]) for match in matches if match is not None]


def test_every_rule_of_the_source_is_in_the_table_and_no_other() -> None:
    given, told = rule_ids(), {id_ for id_, _, _ in rows()}
    assert {id_: places[0] for id_, places in given.items() if id_ not in told} == {}
    assert told - set(given) == set()


def test_the_rules_of_a_section_ascend_and_none_is_there_twice() -> None:
    for section in TABLE.read_text(encoding="utf-8").split("\n## ")[1:]:
        ids = re.findall(r"^\| `([^`]+)`", section, re.MULTILINE)
        assert ids == sorted(ids)
    everywhere = [id_ for id_, _, _ in rows()]
    assert len(everywhere) == len(set(everywhere))


def test_every_source_inside_the_project_exists() -> None:
    sections = set(re.findall(r"^## (\d+)\.", (ROOT / "proto/README.md").read_text(encoding="utf-8"), re.MULTILINE))
    files = {file.name for file in (ROOT / "proto/creditregistry/v1").glob("*.proto")}
    for id_, _, source in rows():
        assert set(SECTION.findall(source)) <= sections, id_
        assert set(CONTRACT_FILE.findall(source)) <= files, id_


@pytest.mark.parametrize(
    "id_", ["C06", "clock.step", "peer.match", "*.length", "map.root", "leaf.logged-at", "permissions", "J04"]
)
def test_ids_are_collected_however_they_are_given(id_: str) -> None:
    """By position, through a table of causes, put together at run time, through a variable."""
    assert id_ in rule_ids()
