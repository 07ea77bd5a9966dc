"""Evidence archive: verify every evidence file of a folder again, years later, without the registry.

    python examples/evidence_archive.py --trust-root trust-root.bin --fingerprint 3f1c... archive > index.jsonl

It needs neither a member's home nor the network: all that it relies on is the trust root, whose fingerprint was
compared over another channel. It prints one JSON document a person, and ends with 1 where a file does not verify.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from client_sdk import CreditRegistryError, TrustRoot, VerificationError, read_trust_root, verify

if TYPE_CHECKING:
    from collections.abc import Iterator


def lines_of(file: Path, trust_root: TrustRoot) -> Iterator[str]:
    """Yield what one file proves: a line for each person in it.

    Raises:
        VerificationError: it proves nothing.
    """
    for answer in verify(file, trust_root):
        yield json.dumps({"file": file.name, **answer.to_dict()}, ensure_ascii=False)


def main() -> int:
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trust-root", type=Path, required=True)
    parser.add_argument("--fingerprint", required=True)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    refused = 0
    try:
        trust_root = read_trust_root(given.trust_root)
        if trust_root.fingerprint != given.fingerprint:
            print(f"another trust root: got {trust_root.fingerprint}", file=sys.stderr)
            return 2
        for file in sorted(given.folder.glob("*.evidence")):
            try:
                print(*lines_of(file, trust_root), sep="\n")
            except VerificationError as error:
                print(f"{file.name}: {error}", file=sys.stderr)
                refused += 1
    except CreditRegistryError as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
