"""The desk's tests share one registry, so each person is reported by the tests of one module alone."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

# Calls whose first arguments are numbers of persons whom the shared registry then has records of.
REPORTING = {"default_report", "big", "disputed", "rows_of"}
# The chain that the fixture itself reports is read by all.
SHARED = {1}


def test_no_person_is_reported_by_two_modules() -> None:
    modules: dict[int, set[str]] = defaultdict(set)
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        source = path.read_text("utf-8")
        # With a registry of its own, a module has all numbers to itself.
        if "with TestRegistry(" in source:
            continue
        for call in ast.walk(ast.parse(source)):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in REPORTING:
                for argument in call.args:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, int):
                        modules[argument.value].add(path.name)
    assert {number: names for number, names in modules.items() if len(names) > 1 and number not in SHARED} == {}
    assert len(modules) > 40
