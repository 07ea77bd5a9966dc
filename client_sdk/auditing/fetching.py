"""The first half of an audit: everything is fetched, and the new log is tied to the one audited before.

After it the audit needs the registry no more. Bindings are asked for first: they name the size to which the audit goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import transparency_pb2 as pb

from client_sdk.auditing.home import Seen
from client_sdk.kernel.formats.checkpoint import Checkpoint, SignedCheckpoint, parse_checkpoint
from client_sdk.kernel.formats.contradiction import Contradiction
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import ActLeaf, HeadLeaf, LeafType, parse_leaf
from client_sdk.kernel.formats.limits import MAX_INSTITUTIONS
from client_sdk.kernel.formats.merkle import verify_consistency
from client_sdk.kernel.ledger.directory import Directory
from client_sdk.kernel.ledger.examination import LiveBinding
from client_sdk.kernel.ledger.findings import FindingId
from client_sdk.kernel.ledger.proving import split_hashes
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, MutableMapping

    from client_sdk.auditing.home import AuditHome, Position
    from client_sdk.auditing.source import LiveBindings, Source
    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.ledger.findings import Findings
    from client_sdk.kernel.ledger.state_store import StateStore

__all__ = ["Fetched", "fetch"]

_RULE = "log.checkpoint"


class Fetched(NamedTuple):
    """All data that the offline verification needs.

    Attributes:
        size: of the log, as the bindings name it.
        begun_at: size of the log when the first binding was read.
        bindings: of the live records at that size, and of some that were live from ``begun_at`` on, by the order in
            which they came.
        checkpoint: of exactly that size, signed by the log's key.
        seen: every signed checkpoint that was shown.
        leaf_bytes: of the file of leaves.
        inquiries: leaves of the inquiry tree that were shown.
        inquiry_bytes: of their file.
        asked_bytes: of the file of them as they were signed.
        directory: map proofs of the registry's state and of every member.
        statistics: what the registry published before it named the size.
    """

    size: int
    begun_at: int
    bindings: MutableMapping[int, LiveBinding]
    checkpoint: SignedCheckpoint
    seen: tuple[Seen, ...]
    leaf_bytes: int
    inquiries: int
    inquiry_bytes: int
    asked_bytes: int
    directory: list[pb.GetDirectoryProofResponse]
    statistics: pb.GetStatisticsResponse


def fetch(
    source: Source, home: AuditHome, position: Position, log_key: VerifierKey, findings: Findings, store: StateStore
) -> Fetched | None:
    """Fetch what an audit verifies.

    Args:
        source: the registry.
        home: whose files take up leaves and inquiries.
        position: where the last audit ended.
        log_key: of the trust root.
        findings: takes up a log that went back, split in two, or is signed wrongly.
        store: takes the bindings.

    Returns:
        None where the log is not the one audited before: no leaf of it is worth reading.

    Raises:
        VerificationError: a stream was cut short or out of order.
        ConfigError: the folder is damaged.
    """
    statistics = source.statistics()
    bindings = store.mapping("bindings", int, LiveBinding)
    live = source.live_bindings(bindings)
    try:
        shown = _Shown(source, log_key)
        newest = shown.checkpoint(0)[0]
        if not _goes_on(newest.checkpoint, live, position, findings):
            return None
        if not _continues(shown, position, findings, home):
            return None
        checkpoint = shown.read(live.checkpoint)
    except FormatError as error:
        findings.note(
            FindingId.CHECKPOINT, None, error.part, error.rule, got=error.got, want=error.want or "a signed checkpoint"
        )
        return None
    leaf_bytes = home.leaves.replace_from(position.leaf_bytes, source.leaves(position.size, live.size))
    count = _inquiry_count(home.leaves.read(position.leaf_bytes, leaf_bytes), position.inquiries)
    taken = _Counted(item.SerializeToString() for item in source.inquiries(position.inquiries, count))
    asked_bytes = home.asked.replace_from(position.asked_bytes, taken)
    leaves = (pb.LoggedInquiry.FromString(item).leaf for item in home.asked.read(position.asked_bytes, asked_bytes))
    inquiry_bytes = home.inquiries.replace_from(position.inquiry_bytes, leaves)
    directory = _directory(source, home.leaves.read(0, leaf_bytes), shown)
    return Fetched(
        live.size,
        live.begun_at,
        bindings,
        checkpoint,
        tuple(shown.seen),
        leaf_bytes,
        position.inquiries + taken.count,
        inquiry_bytes,
        asked_bytes,
        directory,
        statistics,
    )


class _Shown:
    """The checkpoints that the registry shows during one audit."""

    def __init__(self, source: Source, key: VerifierKey) -> None:
        self._source = source
        self._key = key
        self.seen: list[Seen] = []

    def checkpoint(self, known_size: int) -> tuple[SignedCheckpoint, list[bytes], bytes]:
        """Return a signed checkpoint, the hashes of its consistency from a known size, and its root at that size."""
        response = self._source.checkpoint(known_size)
        signed = self.read(response.checkpoint)
        return signed, split_hashes(response.consistency, "consistency proof"), response.known_root

    def proof(self, before: Seen, signed: SignedCheckpoint, path: list[bytes], root: bytes) -> Contradiction | None:
        """Return the proof that a checkpoint contradicts one of before; None where what was shown is none."""
        try:
            known = parse_checkpoint(before.note.encode(), self._key)
            if known.checkpoint.size == signed.checkpoint.size:
                return Contradiction.of(known, signed)
            return Contradiction.of(known, signed, root, path)
        except FormatError:
            return None

    def note(self, raw: bytes) -> None:
        """Record a checkpoint received with another response; an invalid one is reported later."""
        try:
            self.read(raw)
        except FormatError:
            return

    def read(self, raw: bytes) -> SignedCheckpoint:
        """Return a signed checkpoint, recorded as shown.

        Raises:
            FormatError: it is none of this log.
        """
        signed = parse_checkpoint(raw, self._key)
        self.seen.append(Seen(signed.checkpoint.size, signed.checkpoint.root, raw.decode()))
        return signed


def _goes_on(newest: Checkpoint, live: LiveBindings, position: Position, findings: Findings) -> bool:
    """Whether the log is as long as it was, and as long as its own bindings say."""
    known = max([position.size, *(seen.size for seen in position.seen)])
    for field, size, least in (
        ("checkpoint", newest.size, known),
        ("live bindings", live.begun_at, position.size),
        ("checkpoint", newest.size, live.size),
    ):
        if size < least:
            findings.note(FindingId.ROLLBACK, None, field, _RULE, got=f"size {size}", want=f"{least} or more")
            return False
    return True


def _continues(shown: _Shown, position: Position, findings: Findings, home: AuditHome) -> bool:
    """Whether the newest log begins with all that its key has signed for this auditor (RFC 6962 2.1.2)."""
    audited = Seen(position.size, bytes.fromhex(position.root), position.checkpoint)
    for before in (*([audited] if position.size else []), *position.seen):
        signed, path, root = shown.checkpoint(before.size)
        newest = signed.checkpoint
        try:
            verify_consistency(before.size, newest.size, path, before.root, newest.root)
        except FormatError as error:
            proof = shown.proof(before, signed, path, root)
            kept = "" if proof is None else home.keep_proof(proof)
            want = f"a log that begins with the {before.size} leaves signed before"
            if kept:
                want = f"a log that begins with the {before.size} leaves signed before: {kept} proves that it does not"
            findings.note(FindingId.FORK, None, "checkpoint", error.rule, got=f"size {newest.size}", want=want)
            return False
    return True


def _inquiry_count(leaves: Iterable[bytes], before: int) -> int:
    """Return how many inquiries the newest HEAD counts; those audited before where a HEAD says less or nothing."""
    count = before
    for data in leaves:
        if data[:1] == bytes((LeafType.HEAD,)):
            try:
                leaf = parse_leaf(data)
                count = leaf.head.inquiry_count if isinstance(leaf, HeadLeaf) else count
            except FormatError:
                continue
    return max(count, before)


class _Counted:
    """Counts what is taken from it."""

    def __init__(self, items: Iterator[bytes]) -> None:
        self._items = items
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        for item in self._items:
            self.count += 1
            yield item


def _directory(source: Source, leaves: Iterable[bytes], shown: _Shown) -> list[pb.GetDirectoryProofResponse]:
    members = sorted(_members(leaves))
    pages = [members[at : at + MAX_INSTITUTIONS] for at in range(0, len(members), MAX_INSTITUTIONS)]
    proofs = [source.directory(page) for page in pages]
    for proof in proofs:
        shown.note(proof.checkpoint)
    return proofs


def _members(leaves: Iterable[bytes]) -> Iterable[str]:
    """Return the ids of the members that acts make; an act that does not count is found by the second half."""
    directory: Directory | None = None
    for index, data in enumerate(leaves):
        if data[:1] != bytes((LeafType.ACT,)):
            continue
        try:
            leaf = parse_leaf(data)
            if not isinstance(leaf, ActLeaf):
                continue
            directory = Directory.genesis(leaf) if directory is None else directory.apply(index, leaf)
        except (FormatError, RuleError):
            continue
    return () if directory is None else directory.institutions
