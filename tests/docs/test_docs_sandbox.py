"""The guide to the sandbox: its commands exist, and its parties and numbers are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client_sdk.cli import app
from client_sdk.sandbox.filling import MEMBERS, PEOPLE

GUIDE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text("utf-8")
COMMANDS = sorted(set(re.findall(r"^ *credit-registry (.*)$", GUIDE, re.MULTILINE)))


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_exists_with_its_options(command: str) -> None:
    words = re.sub(r"--home \S+ ", "", command).split()
    verb = [word for word in words if re.fullmatch(r"[a-z]+", word) and word != "try"]
    shown = CliRunner().invoke(app, [*verb, "--help"], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    assert shown.exit_code == 0
    assert {word for word in words if word.startswith("--")} <= set(re.findall(r"--[a-z-]+", shown.stdout))


def test_the_members_are_those_that_have_a_desk() -> None:
    rows = re.findall(r"^\| `(\S+)`, ([^|`]+) \| (\w+)[^|]* \| (yes|no) \|$", GUIDE, re.MULTILINE)
    assert rows == [(party.name, party.title, role.name.lower(), "yes") for party, role in MEMBERS.items()]


def test_the_extras_and_the_people_are_those_of_the_code() -> None:
    assert f"reported {PEOPLE} invented borrowers" in GUIDE
    assert 'pip install "credit-registry[server,desk]"' in GUIDE
