"""The example programs, run as they stand."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

__all__ = ["EXAMPLES", "YESTERDAY", "command", "run"]

EXAMPLES = Path(__file__).parents[2] / "examples"
YESTERDAY = (datetime.now(UTC) - timedelta(1)).date()


def command(name: str, *arguments: object) -> list[str]:
    """Words that start an example; a warning ends it."""
    return [sys.executable, "-X", "utf8", "-W", "error", str(EXAMPLES / f"{name}.py"), *map(str, arguments)]


def run(name: str, *arguments: object, given: str = "", code: int = 0) -> str:
    """Run an example, and return what it printed."""
    words = command(name, *arguments)
    done = subprocess.run(words, input=given, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr
