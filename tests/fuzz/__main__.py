"""Fuzzes parsers and servers: python -m tests.fuzz --messages COUNT [--runs RUNS]"""

from __future__ import annotations

import argparse
import subprocess
import sys


def main() -> None:
    """Fuzz both; end with 1 where something was found. The last line is that of the servers."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--messages", type=int, default=10_000, help="changed messages that are sent to live servers")
    parser.add_argument("--runs", type=int, default=1_000, help="inputs for each parser")
    given = parser.parse_args()
    found = False
    for module, option, count in (("parsing", "--runs", given.runs), ("calls", "--messages", given.messages)):
        words = [sys.executable, "-m", f"tests.fuzz.{module}", option, str(count)]
        found |= subprocess.run(words, check=False).returncode != 0
    sys.exit(found)


if __name__ == "__main__":
    main()
