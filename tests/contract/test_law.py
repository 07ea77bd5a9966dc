"""The table of laws and features is complete, and names functions, commands and tests that exist."""

from __future__ import annotations

import ast
import importlib
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from client_sdk.cli.verbs.table import ACT_VERBS, VERBS
from registry_server.cli.main import app

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "law.md"
EXPECTED = (
    *(f"C{number:02}" for number in range(1, 22)),
    *(f"D{number:02}" for number in range(1, 11)),
    *(f"P{number:02}" for number in range(1, 18)),
    *(f"E{number:02}" for number in range(1, 6)),
    *(f"J{number:02}" for number in range(1, 9)),
    *(f"N{number:02}" for number in range(1, 8)),
    *(f"K{number:02}" for number in range(1, 6)),
    *(f"M{number:02}" for number in range(1, 9)),
    *(f"F{number:02}" for number in range(1, 46)),
    *(f"N{number}" for number in range(1, 13)),
)
_CODE = re.compile(r"`([^`]+)`")


class Row(NamedTuple):
    """One line of the table; ``by`` and ``test`` with their backticks."""

    id: str
    what: str
    state: str
    by: str
    test: str


def rows() -> list[Row]:
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if re.match(r"\| [A-Z]\d+ ", line)]
    return [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines]


def backed(state: str) -> list[Row]:
    return [row for row in rows() if row.state == state]


def named(cell: str) -> str:
    (name,) = _CODE.findall(cell)
    return str(name)


@cache
def functions_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))


def test_the_table_is_complete_and_in_order() -> None:
    assert tuple(row.id for row in rows()) == EXPECTED


def test_every_row_says_one_of_four_things() -> None:
    assert {row.state for row in rows()} <= {"enforced", "supported", "not built", "out of scope"}
    unexplained = [row.id for row in rows() if row.state in ("not built", "out of scope") and (row.test or not row.by)]
    assert unexplained == []


@pytest.mark.parametrize("row", backed("enforced"), ids=lambda row: row.id)
def test_what_is_enforced_is_enforced_by_code_that_exists(row: Row) -> None:
    name = named(row.by)
    module, _, attribute = name.rpartition(".")
    try:
        assert hasattr(importlib.import_module(module), attribute)
    except (ModuleNotFoundError, AssertionError):
        importlib.import_module(name)


@pytest.mark.parametrize("row", backed("supported"), ids=lambda row: row.id)
def test_what_is_supported_is_supported_by_a_command_that_exists(row: Row) -> None:
    program, verb, *more = named(row.by).split()
    if program == "registry-server":
        commands = [command for command in app.registered_commands if command.callback is not None]
        groups = {group.name for group in app.registered_groups}
        assert verb in groups | {command.name or getattr(command.callback, "__name__", "") for command in commands}
        return
    assert program == "credit-registry"
    assert verb in VERBS
    if verb == "act":
        assert more[0] in ACT_VERBS
    elif more:
        modules = (ROOT / "client_sdk" / "cli" / "verbs").glob(f"{VERBS[verb].module}*.py")
        assert any(f'"{more[0]}"' in module.read_text(encoding="utf-8") for module in modules)


@pytest.mark.parametrize("row", backed("enforced") + backed("supported"), ids=lambda row: row.id)
def test_each_of_them_has_a_test_that_exists(row: Row) -> None:
    path, _, name = named(row.test).partition("::")
    assert name in functions_in(path)
