"""Blocks of the map that are kept in memory, so many bytes at most, and how the others are read (docs/adr/0063).

A block is found by its place and hash, so that one cache serves every commit: what another process has changed has
another hash, and is read anew. While a screening is open, blocks that a commit replaces are kept as well: the
screening shows the map of the commit that it began with.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.errors import FormatError
from registry_server.sequencing.errors import MapDamagedError
from registry_server.sequencing.map_block import BLOCK_BITS, MAX_ENTRIES, encode, is_fork, parse, patched
from registry_server.sequencing.map_nodes import Node, Stub
from registry_server.storage import map_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from registry_server.sequencing.map_change import ChangedBlock
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["DEFAULT_BYTES", "BlockGoneError", "MapCache", "StoredBlocks"]

DEFAULT_BYTES = 128 * 1024 * 1024
# What a block takes in memory: itself, and each of its entries or of the blocks below it, with the nodes above them.
_BLOCK_BYTES = 500
_ENTRY_BYTES = 150
_STUB_BYTES = 340
_FAN_OUT = 64


class BlockGoneError(MapDamagedError):
    """A block is not stored as the tree has it that is read: this tree is of an older commit, or the block damaged."""


class _CachedBlock(NamedTuple):
    hash: bytes
    node: Node
    size: int
    # As it is stored; of forks alone, of which a commit changes a few bytes.
    data: bytes = b""


class MapCache:
    """Blocks in memory. Thread-safe.

    What was not used for longest is forgotten first.

    Args:
        limit: bytes, about, for these blocks, and once more for those that are kept for screenings.
    """

    def __init__(self, limit: int = DEFAULT_BYTES) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        # By place, that which was used last at the end.
        self._blocks: OrderedDict[int, _CachedBlock] = OrderedDict()
        self._bytes = 0
        self._replaced: dict[bytes, Node] = {}
        self._replaced_bytes = 0
        self._hold_until = 0.0

    @property
    def bytes_held(self) -> int:
        """Bytes, about, of the blocks in memory, without those that are kept for screenings."""
        return self._bytes

    def take(self, stubs: Iterable[Stub]) -> tuple[dict[int, Node], list[Stub]]:
        """Return the blocks that are in memory by their place, and the stubs of the others."""
        found: dict[int, Node] = {}
        missing: list[Stub] = []
        with self._lock:
            blocks, replaced = self._blocks, self._replaced
            for stub in stubs:
                place, hash_ = stub[2], stub[0]
                kept = blocks.get(place)
                if kept is not None and kept.hash == hash_:
                    blocks.move_to_end(place)
                    found[place] = kept.node
                elif hash_ in replaced:
                    found[place] = replaced[hash_]
                else:
                    missing.append(stub)
        return found, missing

    def put(self, read: Iterable[tuple[Stub, Node, bytes]]) -> None:
        """Keep blocks that were read, each with its bytes."""
        with self._lock:
            for (hash_, count, place, _), node, data in read:
                self._forget(place, hash_)
                self._add(place, _kept(hash_, node, place, count, data))

    def replace(self, blocks: Sequence[ChangedBlock]) -> list[tuple[int, bytes]]:
        """Keep the blocks that a commit writes, in place of those before it; called before it is durable.

        Returns:
            The bytes of each block that is left, with its place.
        """
        with self._lock:
            former = {
                block.place: kept.data
                for block in blocks
                if block.before is not None and (kept := self._found(block.place, block.before[0])) is not None
            }
        written = _encoded(blocks, former)
        with self._lock:
            for place, before, after, count in blocks:
                # Judged now, not above: what a reader has put meanwhile may have taken the place of this block.
                if before is not None and self._found(place, before[0]) is None:
                    self._hold_on(_kept(before[0], before, place, MAX_ENTRIES, b""))
                self._forget(place, b"" if after is None else after[0])
                if after is not None:
                    self._add(place, _kept(after[0], after, place, count, written[place]))
        return list(written.items())

    def keep(self, replaced: Mapping[int, tuple[Stub, Node]]) -> None:
        """Keep blocks that another process has replaced, by place, where the map is held."""
        with self._lock:
            for place, ((hash_, count, _, _), node) in replaced.items():
                self._hold_on(_kept(hash_, node, place, count, b""))

    @property
    def holds(self) -> bool:
        """Whether replaced blocks are kept now."""
        return time.monotonic() <= self._hold_until

    def hold(self, seconds: float) -> None:
        """Keep, for so long, the blocks that commits replace from now on, as far as the limit allows."""
        with self._lock:
            self._hold_until = max(self._hold_until, time.monotonic() + seconds)

    def _found(self, place: int, hash_: bytes) -> _CachedBlock | None:
        kept = self._blocks.get(place)
        return kept if kept is not None and kept.hash == hash_ else None

    def _forget(self, place: int, new_hash: bytes) -> None:
        """Take what is kept of a place out; what is replaced stays for screenings."""
        former = self._blocks.pop(place, None)
        if former is not None:
            self._bytes -= former.size
            if former.hash != new_hash:
                self._hold_on(former)

    def _hold_on(self, former: _CachedBlock) -> None:
        held = self.holds
        if self._replaced and (not held or self._replaced_bytes + former.size > self._limit):
            self._replaced.clear()
            self._replaced_bytes = 0
        if held and former.size <= self._limit and former.hash not in self._replaced:
            self._replaced[former.hash] = former.node
            self._replaced_bytes += former.size

    def _add(self, place: int, kept: _CachedBlock) -> None:
        if kept.size > self._limit:
            return
        self._blocks[place] = kept
        self._bytes += kept.size
        while self._bytes > self._limit:
            _, unused = self._blocks.popitem(last=False)
            self._bytes -= unused.size


def _kept(hash_: bytes, node: Node, place: int, count: int, data: bytes) -> _CachedBlock:
    if is_fork(place, count):
        return _CachedBlock(hash_, node, _BLOCK_BYTES + min(count, _FAN_OUT) * _STUB_BYTES, data)
    return _CachedBlock(hash_, node, _BLOCK_BYTES + count * _ENTRY_BYTES)


def _encoded(blocks: Sequence[ChangedBlock], former: Mapping[int, bytes]) -> dict[int, bytes]:
    """Return the bytes of each block that is left, by place; of a fork, its former ones with what has changed."""
    below: dict[int, list[Stub]] = {}
    whole: set[int] = set()
    for place, _, after, count in blocks:
        above = place >> BLOCK_BITS
        if after is None:
            whole.add(above)
        else:
            below.setdefault(above, []).append((after[0], count, place, None))
    written: dict[int, bytes] = {}
    for place, _, after, count in blocks:
        if after is None:
            continue
        if former.get(place) and is_fork(place, count) and place not in whole:
            written[place] = patched(former[place], below.get(place, ()))
        else:
            written[place] = encode(place, after, count)
    return written


class StoredBlocks:
    """The blocks of the commit that a transaction shows; those of an older one while they are kept, or unchanged.

    Args:
        cache: of this process.
        work: the transaction.
        look_again: called where a block is gone, before memory is asked for it once more.
    """

    __slots__ = ("_cache", "_look_again", "_work")

    def __init__(self, cache: MapCache, work: UnitOfWork, look_again: Callable[[], None] | None = None) -> None:
        self._cache = cache
        self._work = work
        self._look_again = look_again

    def fetch(self, stubs: Sequence[Stub]) -> dict[int, Node]:
        """Return the content of these blocks by their place, in one statement for all that are not in memory.

        Raises:
            BlockGoneError: one is not there, or has another hash.
        """
        found, missing = self._cache.take(stubs)
        if not missing:
            return found
        stored = map_blocks.blocks_at(self._work, [stub[2] for stub in missing])
        read, gone = list[tuple[Stub, Node, bytes]](), list[tuple[Stub, BlockGoneError]]()
        for stub in missing:
            data = stored.get(stub[2], b"")
            try:
                read.append((stub, _parsed(stub, data), data))
            except BlockGoneError as error:
                gone.append((stub, error))
        self._cache.put(read)
        found.update((stub[2], node) for stub, node, _ in read)
        return found | self._kept(gone) if gone else found

    def _kept(self, gone: Sequence[tuple[Stub, BlockGoneError]]) -> dict[int, Node]:
        """Return blocks that a commit has replaced since the look into memory, or another process."""
        if self._look_again is not None:
            self._look_again()
        kept, missing = self._cache.take([stub for stub, _ in gone])
        if missing:
            raise gone[0][1]
        return kept


def _parsed(stub: Stub, data: bytes) -> Node:
    hash_, count, place, _ = stub
    try:
        node, entries = parse(place, data)
    except FormatError as error:
        raise BlockGoneError(got=str(error), want="its block") from None
    if node is None or (node[0], entries) != (hash_, count):
        raise BlockGoneError(got="another block")
    return node
