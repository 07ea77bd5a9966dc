"""Fuzzes the parsers, guided by coverage: python -m tests.fuzz.parsing --runs RUNS [--save] [TARGET ...]

The modules are instrumented once; each target then runs in a process that is forked from this one. An input that breaks
a parser is kept in ``.fuzz`` and named. With ``--save`` the inputs that reach something new are added to the corpus.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import atheris

with atheris.instrument_imports(include=["client_sdk"], enable_loader_override=False):
    from tests.fuzz.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CORPUS", "broken"]

CORPUS = Path(__file__).parent / "corpus"
# What breaks a parser, for whoever mends it.
_FOUND = Path(".fuzz")
_MOST_BYTES = 4_096
# One input may take so long.
_INPUT_SECONDS = 10


def broken(names: Iterable[str], runs: int, *, save: bool) -> list[str]:
    """Fuzz targets, as many at a time as there are processors; return the names of those that broke."""
    waiting, running, failed = list(names), dict[int, str](), list[str]()
    _FOUND.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as seeds:
        while waiting or running:
            while waiting and len(running) < (os.cpu_count() or 1):
                name = waiting.pop(0)
                pid = os.fork()
                if not pid:
                    _fuzz(name, runs, Path(seeds, name), save=save)
                running[pid] = name
            pid, status = os.wait()
            name = running.pop(pid)
            if status:
                failed.append(name)
            print(f"{name}: {'BROKEN' if status else 'fine'}", flush=True)
    return failed


def _fuzz(name: str, runs: int, seeds: Path, *, save: bool) -> None:
    """Become the fuzzer of one target; it ends the process."""
    target, kept = TARGETS[name], CORPUS / name
    seeds.mkdir()
    for number, seed in enumerate(target.seeds):
        (seeds / f"seed-{number}").write_bytes(seed)
    found = kept if save else seeds
    found.mkdir(parents=True, exist_ok=True)
    folders = [str(folder) for folder in dict.fromkeys((found, seeds, kept)) if folder.exists()]
    with (_FOUND / f"{name}.log").open("wb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    options = {"runs": runs, "max_len": _MOST_BYTES, "timeout": _INPUT_SECONDS, "artifact_prefix": f"{_FOUND}/{name}-"}
    words = [f"-{option}={value}" for option, value in options.items()]
    atheris.Setup([sys.argv[0], *words, *folders], target.check)
    atheris.Fuzz()


def main() -> None:
    """Fuzz, and end with 1 where a parser broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.parsing")
    parser.add_argument("--runs", type=int, default=10_000, help="inputs for each parser")
    parser.add_argument("--save", action="store_true", help="add what reaches something new to the corpus")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="names of parsers; all by default")
    given = parser.parse_args()
    unknown = [name for name in given.targets if name not in TARGETS]
    if unknown:
        parser.error(f"no such target: {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    failed = broken(given.targets or TARGETS, given.runs, save=given.save)
    if failed:
        print(f"broken: {', '.join(failed)}; see {_FOUND}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
