"""The log as immutable files (C2SP tlog-tiles), read from storage: tiles of hashes, bundles of leaves, the checkpoint.

A mirror holds them under the paths of ``formats/tiles.py``. A file of a path never changes; only ``checkpoint`` does.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from client_sdk.kernel.formats.checkpoint import parse_checkpoint, sign_checkpoint
from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.tiles import TILE_HEIGHT, TILE_WIDTH, EntryBundle, Tile, entry_bundle
from registry_server.errors import RefusalReason, RegistryError
from registry_server.sequencing.errors import InconsistentError, NoGenesisError
from registry_server.storage import head, leaves
from registry_server.storage.schema import LOG_TREE
from registry_server.usecases.register import compare_register

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from client_sdk.kernel.formats.keys import Signer
    from registry_server.sequencing.ledger import Ledger
    from registry_server.storage.head import HeadRow
    from registry_server.storage.register import Register
    from registry_server.storage.unit_of_work import Database, UnitOfWork

__all__ = [
    "CHECKPOINT_PATH",
    "LeftOut",
    "LogTiles",
    "SignedSize",
    "new_files",
    "registered_size",
    "right_edge",
    "served_log",
    "stored_log",
]

CHECKPOINT_PATH = "checkpoint"


class SignedSize(NamedTuple):
    """A checkpoint up to which the log is read.

    Attributes:
        size: leaves of its tree.
        note: the signed note.
    """

    size: int
    note: bytes


class LeftOut(NamedTuple):
    """Leaves that may have been signed and are not among those of the checkpoint.

    Attributes:
        leaves: how many lie behind the checkpoint.
        why: what is wrong with the register.
    """

    leaves: int
    why: str


SignedLog: TypeAlias = "Callable[[], AbstractContextManager[tuple[SignedSize, UnitOfWork]]]"


class LogTiles:
    """The use case.

    Args:
        log: opens the newest checkpoint, and a snapshot that holds its log; ``stored_log`` or ``served_log``.
    """

    def __init__(self, log: SignedLog) -> None:
        self._log = log

    def checkpoint(self) -> SignedSize:
        """Return the newest checkpoint.

        Raises:
            NoGenesisError: nothing was signed yet.
            StorageError: the database failed.
        """
        with self._log() as (signed, _):
            return signed

    def read(self, file: Tile | EntryBundle) -> bytes:
        """Return the content of a file; of a partial one also where the full one exists by now.

        Raises:
            RegistryError: TILE_UNKNOWN; the newest checkpoint has no such file.
            NoGenesisError: nothing was signed yet.
            InconsistentError: the database lacks what its checkpoint has.
            StorageError: the database failed.
        """
        with self._log() as (signed, work):
            level = file.level if isinstance(file, Tile) else 0
            held = signed.size >> (TILE_HEIGHT * level)
            if file.index * TILE_WIDTH + file.width > held:
                want = "a path within the newest checkpoint"
                raise RegistryError(RefusalReason.TILE_UNKNOWN, "path", "tiles.tile", got=file.path, want=want)
            return _hashes(work, file) if isinstance(file, Tile) else _entries(work, file)


def stored_log(database: Database, registered: SignedSize | None = None) -> SignedLog:
    """Return the log of a database: beside a registry, and without one.

    Args:
        database: of the registry.
        registered: its checkpoint where that is newer than the one that the database holds (``registered_size``).
    """

    @contextmanager
    def opened() -> Iterator[tuple[SignedSize, UnitOfWork]]:
        with database.snapshot() as work:
            stored = _stored(head.read(work))
            yield registered if registered is not None and registered.size > stored.size else stored, work

    return opened


def registered_size(database: Database, register: Register, signer: Signer) -> tuple[SignedSize, LeftOut | None]:
    """Return the newest checkpoint that was signed, made anew where the database does not hold it yet.

    Members may hold receipts up to what the register holds. The register is not moved, so that nothing is signed which
    the registry has not registered; over the same tree its signature is the same bytes.

    Args:
        database: of the registry.
        register: of its log.
        signer: of the log's key.

    Returns:
        The checkpoint; and what it leaves out, where the register cannot say what was signed.

    Raises:
        NoGenesisError: nothing was signed yet.
        FormatError: the tiles of the database are damaged, or the stored checkpoint is none.
        SignatureError: the stored checkpoint is of another key.
        StorageError: the database failed.
    """
    state = compare_register(database, register)
    with database.snapshot() as work:
        stored = _stored(head.read(work))
    held = state.held
    if held is None or state.mismatch is not None:
        newest = max(state.size, 0 if held is None else held.size)
        return stored, LeftOut(max(0, newest - stored.size), state.problem or str(state.mismatch))
    parse_checkpoint(stored.note, VerifierKey.ed25519(held.origin, signer.public_key.raw))
    if held.size <= stored.size:
        return stored, None
    return SignedSize(held.size, sign_checkpoint(held.origin, held.size, held.root, signer)), None


def _stored(row: HeadRow | None) -> SignedSize:
    if row is None or not row.checkpoint:
        raise NoGenesisError
    return SignedSize(row.checkpoint_size, row.checkpoint)


def served_log(ledger: Ledger) -> SignedLog:
    """Return the log as a registry serves it, from a standby where it has one."""

    @contextmanager
    def opened() -> Iterator[tuple[SignedSize, UnitOfWork]]:
        with ledger.recent() as view:
            yield SignedSize(view.size, view.checkpoint), view.work

    return opened


def new_files(known: int, size: int) -> Iterator[Tile | EntryBundle]:
    """Yield the files that a tree has and a smaller one has not: bundles of leaves, then tiles, level by level.

    Args:
        known: leaves of the smaller tree; 0 for none.
        size: leaves of the tree.
    """
    yield from (EntryBundle(tile.index, tile.width) for tile in _new_tiles(0, known, size))
    level = 0
    while size >> (TILE_HEIGHT * level):
        yield from _new_tiles(level, known >> (TILE_HEIGHT * level), size >> (TILE_HEIGHT * level))
        level += 1


def right_edge(size: int) -> Iterator[Tile | EntryBundle]:
    """Yield the partial files of a tree: at most one of each level, and one bundle of leaves."""
    if size % TILE_WIDTH:
        yield EntryBundle(size // TILE_WIDTH, size % TILE_WIDTH)
    level = 0
    while nodes := size >> (TILE_HEIGHT * level):
        if nodes % TILE_WIDTH:
            yield Tile(level, nodes // TILE_WIDTH, nodes % TILE_WIDTH)
        level += 1


def _new_tiles(level: int, known: int, nodes: int) -> Iterator[Tile]:
    """Yield the tiles of a level, in order, in which there are nodes beyond those known."""
    if nodes == known:
        return
    for index in range(known // TILE_WIDTH, -(-nodes // TILE_WIDTH)):
        yield Tile(level, index, min(TILE_WIDTH, nodes - index * TILE_WIDTH))


def _hashes(work: UnitOfWork, tile: Tile) -> bytes:
    stored = leaves.tile(work, LOG_TREE, tile.level, tile.index) or b""
    _check_whole(tile, len(stored) // HASH_BYTES)
    return stored[: tile.width * HASH_BYTES]


def _entries(work: UnitOfWork, bundle: EntryBundle) -> bytes:
    start = bundle.index * TILE_WIDTH
    rows = leaves.leaf_range(work, start, start + bundle.width)
    _check_whole(bundle, len(rows))
    return entry_bundle(row.leaf for row in rows)


def _check_whole(file: Tile | EntryBundle, stored: int) -> None:
    if stored < file.width:
        raise InconsistentError(file.path, got=f"{stored} stored", want=f"{file.width}, as the checkpoint has")
