"""Copies of the log outside of the registry: a folder of ``tiles export``, or that of an audit.

They hold leaves and, at an auditor, the signed inquiries; neither holds a pseudonym, a fact or an opening.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import transparency_pb2 as pb

from client_sdk.auditing.home import AuditHome
from client_sdk.kernel.formats.checkpoint import Checkpoint, parse_checkpoint
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.tiles import TILE_WIDTH, EntryBundle, parse_entry_bundle
from registry_server.operating.backup import BackupError
from registry_server.sequencing.errors import InconsistentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.ledger.state_store import StateStore

__all__ = ["KeptInquiry", "LogCopy", "open_copy"]


class KeptInquiry(NamedTuple):
    """An inquiry as an auditor keeps it.

    Attributes:
        payload: the exact bytes that were signed.
        key_id: which key signed.
        signature: over the payload.
    """

    payload: bytes
    key_id: bytes
    signature: bytes


class LogCopy(NamedTuple):
    """A copy of the log.

    Attributes:
        size: leaves that it holds.
        checkpoint: that the log's key has signed over these leaves, or more.
        note: the same as it was signed.
        leaves: returns the leaves from one place to before another.
        inquiry_leaves: leaves of the inquiry tree from a place on; none where the copy has none.
        asked: signed inquiries by the hash of their leaf.
    """

    size: int
    checkpoint: Checkpoint
    note: bytes
    leaves: Callable[[int, int], Iterator[bytes]]
    inquiry_leaves: Callable[[int], Iterator[bytes]]
    asked: Mapping[bytes, KeptInquiry]


def open_copy(folder: Path, key: VerifierKey, store: StateStore) -> LogCopy:
    """Return the copy of the log that a folder holds.

    Args:
        folder: of it.
        key: of the log.
        store: takes what grows with the inquiries.

    Raises:
        BackupError: it holds none of this log.
        ConfigError: it is an audit's, and damaged; or the store's file cannot be written.
        OSError: a file cannot be read.
    """
    try:
        if (folder / "audit.json").is_file():
            return _audit(folder, key, store)
        if (folder / "checkpoint").is_file() and (folder / "tile" / "entries").is_dir():
            return _tiles(folder, key)
    except FormatError as error:
        raise BackupError(f"{folder} holds no copy of {key.name}: {error}") from None
    raise BackupError(f"{folder} holds neither leaves of `registry-server tiles export` nor an audit")


def _tiles(folder: Path, key: VerifierKey) -> LogCopy:
    signed = parse_checkpoint((folder / "checkpoint").read_bytes(), key)
    size = signed.checkpoint.size

    def leaves(start: int, end: int) -> Iterator[bytes]:
        for index in range(start // TILE_WIDTH, -(-end // TILE_WIDTH)):
            first = index * TILE_WIDTH
            bundle = EntryBundle(index, min(TILE_WIDTH, size - first))
            # A partial one goes once the full one is there.
            path = next(
                (folder / one.path for one in (bundle, EntryBundle(index)) if (folder / one.path).is_file()), None
            )
            held = [] if path is None else _bundle(path)
            if len(held) < min(end, first + TILE_WIDTH) - first:
                raise InconsistentError(bundle.path, got=f"{len(held)} leaves", want=f"{bundle.width}")
            yield from held[max(start - first, 0) : end - first]

    return LogCopy(size, signed.checkpoint, signed.raw, leaves, lambda _: iter(()), {})


def _bundle(path: Path) -> Sequence[bytes]:
    try:
        return parse_entry_bundle(path.read_bytes())
    except FormatError as error:
        raise BackupError(f"{path} is damaged: {error}") from None


def _audit(folder: Path, key: VerifierKey, store: StateStore) -> LogCopy:
    home = AuditHome(folder)
    with home.lock():
        position, _ = home.load()
    signed = parse_checkpoint(position.checkpoint.encode(), key)

    def leaves(start: int, end: int) -> Iterator[bytes]:
        return islice(home.leaves.read(0, position.leaf_bytes), start, end)

    def inquiry_leaves(start: int) -> Iterator[bytes]:
        return islice(home.inquiries.read(0, position.inquiry_bytes), start, None)

    shown = map(pb.LoggedInquiry.FromString, home.asked.read(0, position.asked_bytes))
    asked = store.mapping("signed inquiries", bytes, KeptInquiry)
    for item in shown:
        signed_one = item.inquiry
        asked[leaf_hash(item.leaf)] = KeptInquiry(signed_one.payload, signed_one.key_id, signed_one.signature)
    return LogCopy(position.size, signed.checkpoint, signed.raw, leaves, inquiry_leaves, asked)
