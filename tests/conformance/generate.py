"""Writes the files of the conformance suite that are not there yet: python -m tests.conformance.generate

Everything is made from fixed seeds: the same program gives the same bytes for ever. A file that is there is never
changed; where it differs from what is made now, this ends with 1.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.formats import canonical, note
from client_sdk.kernel.formats.checkpoint import sign_checkpoint, tlog_proof
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.merkle import MemoryTree
from client_sdk.kernel.ledger.erasure_file import erasure_file, parse_erasure_file
from client_sdk.kernel.ledger.inquiry_file import inquiry_file
from tests.client_sdk.kernel.ledger.test_ledger_erasure_file import LIES as ERASURE_LIES
from tests.conformance.cases import CASES, TRUST_ROOT, Case, index_of
from tests.conformance.tiles import archive_of, files_of_log
from tests.conformance.verify import rule_of
from tests.support.attacks import listed_log
from tests.support.batch_signer import BatchSigner
from tests.support.erased import Erased
from tests.support.evidence_lies import LIES
from tests.support.evidence_maker import make_evidence
from tests.support.handmade_evidence import AnsweringRegistry
from tests.support.handmade_log import HandmadeLog, signer
from tests.support.inquired import Asked
from tests.vectors.golden.generate import contradiction, golden_log
from tests.vectors.golden.replayed import OLDER, rebuilt, replayed_evidence, replayed_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
    "tiles": "tar",
}
# Leaves of a log whose files are judged: one tile that is full, and one that is not.
LEAVES = 258
# Bits that are changed in a file of each kind, at places that are spread over it.
CHANGES = 12


class _Suite:
    """Collects the files; each is judged by this project before it is taken."""

    def __init__(self, root: TrustRoot) -> None:
        self._root, self._under = root, TRUST_ROOT
        self.rows: list[Case] = []
        self.files: dict[str, bytes] = {}

    def judge_under(self, file: str, root: TrustRoot) -> None:
        """Judge the files that follow under another trust root, which is in the suite."""
        self._root, self._under = root, file

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
        under = TRUST_ROOT if kind == "trust-root" else self._under
        self.rows.append(Case(file, kind, expect, rule, about, under))


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
    _tiles(suite)
    _replayed(suite)
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


def _replayed(suite: _Suite) -> None:
    """Evidence whose log auditors have rebuilt, under a trust root that names three, and how many must have."""
    log = replayed_log()
    size = len(log.leaves)
    suite.accept("trust-root", "with auditors that rebuild the log", log.trust_root.encode())
    suite.judge_under(suite.rows[-1].file, log.trust_root)
    first, second = rebuilt(log, "auditor-1", OLDER, 5), rebuilt(log, "auditor-3", size, 20)
    for about, shown in (
        ("replayed by two of three auditors", [first, second]),
        ("late: replayed by one auditor where two must", [first]),
        ("late: replayed by an auditor and by a key that nobody names", [first, rebuilt(log, "nobody", size, 1)]),
        ("late: replayed more than a day before", [first, rebuilt(log, "auditor-2", size, 1_441)]),
        ("replayed by one auditor twice and by another", [first, rebuilt(log, "auditor-1", size, 9), second]),
    ):
        suite.accept("evidence", about, replayed_evidence(log, shown))
    for about, rule, lie in _REPLAY_LIES:
        suite.reject("evidence", rule, about, replayed_evidence(log, lie(log)))


def _changed(shown: pb.CosignedCheckpoint, **parts: bytes) -> pb.CosignedCheckpoint:
    return pb.CosignedCheckpoint(**{"checkpoint": shown.checkpoint, "consistency": shown.consistency, **parts})


def _with_lines(shown: pb.CosignedCheckpoint, *places: int) -> pb.CosignedCheckpoint:
    parsed = note.parse(shown.checkpoint)
    lines = tuple(parsed.signatures[place] for place in places)
    return _changed(shown, checkpoint=note.Note(parsed.text, lines).encode())


def _with_a_false_line(log: HandmadeLog) -> list[pb.CosignedCheckpoint]:
    shown = rebuilt(log, "auditor-1", OLDER, 5)
    parsed = note.parse(shown.checkpoint)
    own, line = parsed.signatures
    forged = line._replace(signature=line.signature[:-1] + bytes((line.signature[-1] ^ 1,)))
    return [_changed(shown, checkpoint=note.Note(parsed.text, (own, forged)).encode())]


def _of_another_history(log: HandmadeLog) -> list[pb.CosignedCheckpoint]:
    shown = rebuilt(log, "auditor-1", OLDER, 5)
    return [_changed(shown, consistency=shown.consistency[32:] + shown.consistency[:32])]


def _of_another_log(_: HandmadeLog) -> list[pb.CosignedCheckpoint]:
    other = HandmadeLog()
    other.log_signer = signer("another log")
    return [rebuilt(other, "auditor-1", OLDER, 5)]


_REPLAY_LIES: tuple[tuple[str, str, Callable[[HandmadeLog], list[pb.CosignedCheckpoint]]], ...] = (
    ("line of a trusted auditor that does not verify", "signature.invalid", _with_a_false_line),
    ("checkpoint of an auditor of another history", "consistency.older-root", _of_another_history),
    ("checkpoint of an auditor of another log", "note.untrusted", _of_another_log),
    (
        "checkpoint of an auditor without the log's line",
        "note.untrusted",
        lambda log: [_with_lines(rebuilt(log, "auditor-1", OLDER, 5), 1)],
    ),
    (
        "checkpoint of an auditor whose line comes first",
        "note.untrusted",
        lambda log: [_with_lines(rebuilt(log, "auditor-1", OLDER, 5), 1, 0)],
    ),
    (
        "checkpoint of an auditor whose line stands twice",
        "note.repeated-key",
        lambda log: [_with_lines(rebuilt(log, "auditor-1", OLDER, 5), 0, 1, 1)],
    ),
    (
        "nine checkpoints of auditors",
        "replayed.count",
        lambda log: [rebuilt(log, "auditor-1", OLDER, minutes) for minutes in range(9)],
    ),
    (
        "checkpoint of an auditor with a proof that it does not need",
        "consistency.length",
        lambda log: [_changed(rebuilt(log, "auditor-1", len(log.leaves), 5), consistency=bytes(32))],
    ),
)


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


def _tiles(suite: _Suite) -> None:
    log = golden_log()
    leaves = [number.to_bytes(2) for number in range(LEAVES)]

    def signed(leaves: list[bytes]) -> bytes:
        tree = MemoryTree(map(leaf_hash, leaves))
        return sign_checkpoint(log.origin, len(leaves), tree.root(), log.log_signer)

    whole = files_of_log(leaves, signed(leaves))
    for about, shown in (
        ("log of 17 leaves", files_of_log(log.leaves, log.checkpoint())),
        ("log of 256 leaves", files_of_log(leaves[:256], signed(leaves[:256]))),
        ("log of 258 leaves", whole),
        ("hashes without leaves", {path: data for path, data in whole.items() if "entries" not in path}),
    ):
        suite.accept("tiles", about, archive_of(shown))
    full, rest, above, bundle = "tile/0/000", "tile/0/001.p/2", "tile/1/000.p/1", "tile/entries/001.p/2"
    for about, rule, path, data in (
        ("hash of a leaf", "log.checkpoint", full, _with_a_bit(whole[full], 700)),
        ("hash of a tile", "log.checkpoint", above, _with_a_bit(whole[above], 3)),
        ("leaf", "log.checkpoint", bundle, _with_a_bit(whole[bundle], 3)),
        ("leaves in another order", "log.checkpoint", bundle, whole[bundle][4:] + whole[bundle][:4]),
        ("tile that is shorter than its name says", "tile.width", rest, whole[rest][:32]),
        ("tile that is longer than its name says", "tile.width", rest, whole[rest] + bytes(32)),
        ("bundle that ends within a leaf", "bundle.truncated", bundle, whole[bundle][:-1]),
        ("bundle that lacks a leaf", "bundle.count", bundle, whole[bundle][:4]),
        ("checkpoint of another log", "log.checkpoint", "checkpoint", signed([*leaves[:-1], b"another"])),
        ("checkpoint of a longer log", "tile.stored", "checkpoint", signed([*leaves, b"one more"])),
        ("checkpoint by another key", "note.untrusted", "checkpoint", log.checkpoint(key=signer("another"))),
    ):
        suite.reject("tiles", rule, about, archive_of({**whole, path: data}))
    for path in (full, above, bundle, "checkpoint"):
        lacking = {name: data for name, data in whole.items() if name != path}
        suite.reject("tiles", "tile.stored", f"{path} is missing", archive_of(lacking))
    suite.reject("tiles", "tile.path", "another file", archive_of({**whole, "tile/0/1": b""}))
    suite.reject("tiles", "tile.path", "archive that is none", b"tiles")


def _with_a_bit(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


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
