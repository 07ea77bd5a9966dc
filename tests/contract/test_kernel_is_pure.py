"""The kernel reads no clock and opens no file; what it may import is held by the import rules."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KERNEL = [
    path
    for part in ("formats", "ledger", "rules", "subjects")
    for path in (ROOT / "client_sdk/kernel" / part).rglob("*.py")
]

CLOCK_READINGS = {"now", "today", "utcnow"}
CALLS_OF_THE_WORLD = {"open", "input", "print", "exec", "eval", "__import__", "breakpoint"}


def impure_calls(tree: ast.AST) -> list[str]:
    """Name the calls, with their lines, that read a clock or touch the world."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [
        f"line {call.lineno}: {ast.unparse(call.func)}"
        for call in calls
        if (isinstance(call.func, ast.Attribute) and call.func.attr in CLOCK_READINGS)
        or (isinstance(call.func, ast.Name) and call.func.id in CALLS_OF_THE_WORLD)
    ]


@pytest.mark.parametrize("path", KERNEL, ids=lambda path: path.relative_to(ROOT / "client_sdk").as_posix())
def test_the_kernel_touches_nothing_outside(path: Path) -> None:
    assert impure_calls(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("source", ["datetime.now(UTC)", "date.today()", "open('x')", "print(1)"])
def test_an_impure_call_is_seen(source: str) -> None:
    assert len(impure_calls(ast.parse(source))) == 1
