"""Wrong use of the SDK is a type error, and right use is none: mypy and pyright say so, line by line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

FILE = Path(__file__).with_name("wrong_use.py")
ROOT = FILE.parents[2]
EXPECTED = re.compile(r"# error: (?P<codes>[a-z-]+(, [a-z-]+)*)$")
TOLD = re.compile(r"wrong_use\.py:(?P<line>\d+): error: .*\[(?P<code>[a-z-]+)\]$")


def expected() -> dict[int, list[str]]:
    """The codes that mypy gives to each line that is wrong."""
    lines = FILE.read_text("utf-8").splitlines()
    matches = {number: EXPECTED.search(text) for number, text in enumerate(lines, 1)}
    codes = {number: found["codes"].split(", ") for number, found in matches.items() if found}
    assert len(codes) > 20
    return codes


def run(*arguments: str) -> str:
    """Run a type checker, and return what it printed."""
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def test_mypy_finds_each_wrong_line_and_no_other() -> None:
    printed = run("mypy", "--no-error-summary", "--exclude", "nothing", str(FILE))
    told: defaultdict[int, list[str]] = defaultdict(list)
    for found in filter(None, map(TOLD.search, printed.splitlines())):
        told[int(found["line"])].append(found["code"])
    assert {number: sorted(codes) for number, codes in told.items()} == expected(), printed


def test_pyright_finds_each_wrong_line_and_nothing_in_the_examples() -> None:
    content = json.loads(run("basedpyright", "--outputjson", "--pythonpath", sys.executable))
    told = {(Path(item["file"]).name, item["range"]["start"]["line"] + 1) for item in content["generalDiagnostics"]}
    assert told == {(FILE.name, number) for number in expected()}
    # All but the one whose library has no types.
    assert content["summary"]["filesAnalyzed"] == len(list((ROOT / "examples").glob("*.py")))
