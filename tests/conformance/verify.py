"""The conformance protocol over the SDK: python -m tests.conformance.verify KIND TRUST_ROOT FILE"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from client_sdk import VerificationError, verify
from client_sdk.kernel.formats.checkpoint import parse_checkpoint
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.verification import (
    read_trust_root,
    verify_contradiction,
    verify_erasure,
    verify_inquiry_receipt,
    verify_receipt,
    verify_trust_root,
)
from tests.conformance.tiles import verify_tiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk import TrustRoot

__all__ = ["KINDS", "rule_of"]

KINDS: dict[str, Callable[[bytes, TrustRoot], object]] = {
    "trust-root": lambda data, _: verify_trust_root(data),
    "checkpoint": lambda data, root: parse_checkpoint(data, root.log_key),
    "receipt": verify_receipt,
    "inquiry-receipt": verify_inquiry_receipt,
    "evidence": verify,
    "erasure": verify_erasure,
    "misbehaviour": verify_contradiction,
    "tiles": verify_tiles,
}


def rule_of(kind: str, data: bytes, root: TrustRoot) -> str:
    """Return the rule that refuses a file; empty where it verifies."""
    try:
        KINDS[kind](data, root)
    except (VerificationError, FormatError) as error:
        return error.rule
    return ""


def main() -> None:
    """Judge one file."""
    kind, trust_root, file = sys.argv[1:]
    data = Path(file).read_bytes()
    if kind == "trust-root":
        try:
            verify_trust_root(data)
        except VerificationError as error:
            sys.exit(str(error))
        return
    if rule := rule_of(kind, data, read_trust_root(trust_root)):
        print(rule)
        sys.exit(1)


if __name__ == "__main__":
    main()
