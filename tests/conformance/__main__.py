"""Runs a verifier against the conformance suite: python -m tests.conformance [--kind KIND] COMMAND [ARGUMENT ...]"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.conformance.cases import Case, cases
from tests.conformance.verify import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

_SECONDS = 60
_ACCEPTED, _REJECTED = 0, 1


def main() -> None:
    """Run, print, and end with 0 where every file is judged rightly."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--kind", choices=sorted(KINDS), help="files of one kind alone")
    parser.add_argument("command", nargs="+", help="verifier; gets KIND TRUST_ROOT FILE")
    given = parser.parse_args()
    chosen = [case for case in cases() if given.kind in {None, case.kind}]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        judged = Counter(threads.map(lambda case: _judged(given.command, case), chosen))
    print(json.dumps({"files": len(chosen), **{name: judged[name] for name in ("right", "wrong", "failed")}}))
    sys.exit(judged["right"] != len(chosen))


def _judged(command: Sequence[str], case: Case) -> str:
    """Return right, wrong or failed, and print what is not right."""
    words = [*command, case.kind, str(case.trust_root), str(case.path)]
    try:
        ended = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"failed: {case.file}: {error}")
        return "failed"
    if ended.returncode not in {_ACCEPTED, _REJECTED}:
        print(f"failed: {case.file}: ended with {ended.returncode}\n{ended.stdout}{ended.stderr}")
        return "failed"
    accepted = ended.returncode == _ACCEPTED
    if accepted == case.accepted:
        return "right"
    print(f"wrong: {case.file}: want {case.expect} ({case.about})\n{ended.stdout}{ended.stderr}")
    return "wrong"


if __name__ == "__main__":
    main()
