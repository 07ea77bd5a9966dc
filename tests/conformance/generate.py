"""Writes the files of the conformance suite that are not there yet: python -m tests.conformance.generate

Everything is made from fixed seeds: the same program gives the same bytes for ever. A file that is there is never
changed; where it differs from what is made now, this ends with 1.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.checkpoint import tlog_proof
from client_sdk.kernel.ledger.erasure_file import erasure_file, parse_erasure_file
from client_sdk.kernel.ledger.inquiry_file import inquiry_file
from tests.client_sdk.kernel.ledger.test_ledger_erasure_file import LIES as ERASURE_LIES
from tests.conformance.cases import CASES, TRUST_ROOT, Case, index_of
from tests.conformance.verify import rule_of
from tests.support.attacks import listed_log
from tests.support.batch_signer import BatchSigner
from tests.support.erased import Erased
from tests.support.evidence_lies import LIES
from tests.support.evidence_maker import make_evidence
from tests.support.handmade_evidence import AnsweringRegistry
from tests.support.handmade_log import signer
from tests.support.inquired import Asked
from tests.vectors.golden.generate import contradiction, golden_log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk import TrustRoot

__all__ = ["files"]

ENDINGS = {
    "trust-root": "bin",
    "checkpoint": "checkpoint",
    "receipt": "tlog-proof",
    "inquiry-receipt": "inquiry-receipt",
    "evidence": "evidence",
    "erasure": "erasure",
    "misbehaviour": "proof",
}
# Bits that are changed in a file of each kind, at places that are spread over it.
CHANGES = 12


class _Suite:
    """Collects the files; each is judged by this project before it is taken."""

    def __init__(self, root: TrustRoot) -> None:
        self._root = root
        self.rows: list[Case] = []
        self.files: dict[str, bytes] = {}

    def accept(self, kind: str, name: str, data: bytes) -> None:
        """Add a file that must be accepted."""
        self._add(kind, "accept", "", name, data)

    def reject(self, kind: str, rule: str, about: str, data: bytes) -> None:
        """Add a file that one rule refuses."""
        self._add(kind, "reject", rule, about, data)

    def change(self, kind: str, about: str, data: bytes) -> None:
        """Add files in which one bit is another, one that ends early, one with a byte more, and an empty one."""
        for number in range(CHANGES):
            at = number * (len(data) - 1) // (CHANGES - 1)
            changed = bytearray(data)
            changed[at] ^= 1 << number % 8
            self._add_changed(kind, f"{about}: bit {number % 8} of byte {at}", bytes(changed))
        self._add_changed(kind, f"{about}: without its last byte", data[:-1])
        self._add_changed(kind, f"{about}: with a byte more", data + b"\0")
        self._add_changed(kind, f"{about}: without a byte", b"")

    def _add_changed(self, kind: str, about: str, data: bytes) -> None:
        if rule := rule_of(kind, data, self._root):
            self._add(kind, "reject", rule, about, data)

    def _add(self, kind: str, expect: str, rule: str, about: str, data: bytes) -> None:
        found = rule_of(kind, data, self._root)
        if found != rule:
            raise RuntimeError(f"{kind}, {about}: got {found or 'accepted'}, want {rule or 'accepted'}")
        words = re.sub(r"[^a-z0-9]+", "-", about.lower()).strip("-")
        name = ".".join(part for part in (expect, rule, words, ENDINGS[kind]) if part)
        file = f"{kind}/{name}"
        if file in self.files:
            raise RuntimeError(f"{file}: twice")
        self.files[file] = data
        self.rows.append(Case(file, kind, expect, rule, about))


def files() -> dict[str, bytes]:
    """Return every file of the suite by its path, the index included."""
    log = golden_log()
    suite = _Suite(log.trust_root)
    root = log.trust_root.encode()
    suite.accept("trust-root", "trust root", root)
    suite.change("trust-root", "trust root", root)
    suite.accept("checkpoint", "newest", log.checkpoint())
    suite.reject("checkpoint", "note.untrusted", "another key", log.checkpoint(key=signer("another")))
    suite.change("checkpoint", "newest", log.checkpoint())
    _evidence(suite)
    _receipts(suite)
    _erasures(suite)
    for name, sizes in (("one size", (9, 9)), ("two sizes", (9, 14))):
        proof = contradiction(*sizes).encode()
        suite.accept("misbehaviour", name, proof)
        suite.change("misbehaviour", name, proof)
    assert suite.files[TRUST_ROOT] == root
    return {**suite.files, "index.json": index_of(suite.rows)}


def _evidence(suite: _Suite) -> None:
    log = golden_log()
    clear = canonical.encode(make_evidence(log, "lender-3", ["nobody"]))
    listed = canonical.encode(make_evidence(log, "lender-3", ["nobody", "person of loan-1"], shown=[1]))
    suite.accept("evidence", "clear", clear)
    suite.accept("evidence", "listed and clear", listed)
    batch = listed_log()
    batch.say("lender-1", "judged", subject="victim", by=BatchSigner("lender-1 REPORT", size=5, place=2))
    answer = AnsweringRegistry(batch).answer("lender-2", "listed", "victim")
    suite.accept("evidence", "signed in a batch", canonical.encode(answer))
    for lie in LIES:
        lying = listed_log()
        evidence = canonical.encode(lie.make(lying, AnsweringRegistry(lying)))
        suite.reject("evidence", lie.rule, f"{lie.part}: {lie.says}", evidence)
    suite.change("evidence", "clear", clear)
    suite.change("evidence", "listed and clear", listed)


def _receipts(suite: _Suite) -> None:
    log = listed_log()
    size, index = len(log.leaves), len(log.leaves) - 2
    receipt = tlog_proof(index, log.tree.inclusion_proof(index, size), log.checkpoint(), log.leaves[index]).encode()
    suite.accept("receipt", "of a version", receipt)
    head = tlog_proof(size - 1, log.tree.inclusion_proof(size - 1, size), log.checkpoint(), log.leaves[-1]).encode()
    suite.reject("receipt", "receipt.leaf", "of a HEAD", head)
    suite.change("receipt", "of a version", receipt)
    for others in (0, 4):
        asked = inquiry_file(Asked(others).proved())
        suite.accept("inquiry-receipt", f"among {others} others", asked)
        suite.change("inquiry-receipt", f"among {others} others", asked)


def _erasures(suite: _Suite) -> None:
    erased = Erased()
    for name in erased.ends:
        suite.accept("erasure", name, erased.file(name))
    for number, (made, rule) in enumerate(ERASURE_LIES):
        if data := made():
            suite.reject("erasure", rule, f"lie {number}", data)
    # The opening in the file is signed by nobody: with another one the person does not open.
    unnamed = parse_erasure_file(erased.file("paid", opening=b"", person=b""))
    suite.change("erasure", "without a person", erasure_file(unnamed.proved, b""))


def _missing() -> Iterator[tuple[str, bytes]]:
    """Yield the files that are not there; end where one that is there is another."""
    for name, content in files().items():
        path = CASES / name
        if not path.exists():
            yield name, content
        elif path.read_bytes() != content:
            sys.exit(f"{path}: is there, and differs from what is made now")


def main() -> None:
    """Write the files that are not there."""
    for name, content in list(_missing()):
        path = CASES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        print(path)


if __name__ == "__main__":
    main()
