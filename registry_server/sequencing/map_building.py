"""The map's blocks made from nothing: from the live records and the directory, one part of the keys at a time.

What is held meanwhile is one short string for each live record of the part, key || part of the value: sorted, they
bring together the records of one subject.

    fill_map       of a database whose table of blocks is new: a transaction for each part, the top block last, so that
                   a run that was interrupted is gone on with
    settle_map     of a database that nobody serves: what differs is put right, within one transaction
    wrong_blocks   what differs, for fsck

The latter two read the records once, and have a store put them in order: of subjects a 32nd is in memory.
"""

from __future__ import annotations

from itertools import chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.map_entry import NO_ANNOTATION, record_part, subject_key, value_of_parts
from client_sdk.kernel.formats.prefix_tree import EMPTY
from client_sdk.kernel.ledger.state_store import MemoryStore
from registry_server.sequencing.errors import InconsistentError
from registry_server.sequencing.map_block import BLOCK_BITS, DEEPEST, MAX_ENTRIES, TOP, build, encode, fork, parse
from registry_server.sequencing.map_nodes import built
from registry_server.sequencing.recover import directory_at
from registry_server.storage import head, live, map_blocks, wholesale
from registry_server.storage.schema import live_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.ledger.state_store import StateStore
    from registry_server.sequencing.map_nodes import Node, Stub
    from registry_server.storage.driver import Fetched
    from registry_server.storage.head import HeadRow
    from registry_server.storage.unit_of_work import Database, UnitOfWork

    # Reads what the map is made of, as ``live.map_pages``.
    MapPages: TypeAlias = Callable[[UnitOfWork], Iterable[list[Fetched]]]

__all__ = ["WrongBlock", "fill_map", "settle_map", "wrong_blocks"]

# Live records of one part at most, but for a map of more than 32 times as many: some 200 MB.
PART_RECORDS = 500_000
# Parts are some of the prefixes of one block below the top; the first bit of every subject's key is 0.
_PREFIXES = 1 << BLOCK_BITS
_OF_SUBJECTS = _PREFIXES // 2
_WRITTEN = 1_000
# No place of a row is lower.
_LOWEST = -(1 << 63)


class WrongBlock(NamedTuple):
    """A place of which the table does not hold what follows from the rows.

    Attributes:
        place: of the block.
        wanted: what it should be; None where there should be none.
    """

    place: int
    wanted: bytes | None


def fill_map(database: Database, part_records: int = PART_RECORDS) -> bool:
    """Make the blocks of a founded registry that has none, or not all; return whether any were missing.

    Args:
        database: served by nobody.
        part_records: live records of one part at most.

    Raises:
        InconsistentError: the acts do not fit together, or another program has appended meanwhile.
        FormatError: an act is damaged.
        StorageError: the database failed; the next run goes on where this one has stopped.
    """
    with database.snapshot() as work:
        row = head.read(work)
        if row is None or row.destroying or map_blocks.blocks_at(work, [TOP]):
            return False
        directory, begun, parts = directory_at(work, row), _begun(work), _parts(work, part_records)
    making = _Making(begun)
    for first, end in parts:
        if not begun.keys() >= set(range(first, end)):
            with database.snapshot() as work:
                making.add(_entries(live.map_pages(work), directory, first, end, MemoryStore()))
            _write(database, making.take(), row)
    making.end()
    if begun and making.root != row.map_root:
        # What an earlier run has made was of an older commit.
        with database.append() as work:
            map_blocks.clear(work)
            work.commit()
        return fill_map(database, part_records)
    _write(database, making.take(), row)
    return True


def settle_map(work: UnitOfWork, directory: Directory, store: StateStore) -> int:
    """Let the table hold the blocks that follow from the rows, and no others; return how many were wrong.

    Args:
        work: a transaction that holds the head row; the caller commits.
        directory: of the newest commit.
        store: takes what grows with the live records.
    """
    count, put, gone = 0, list[tuple[int, bytes]](), list[int]()
    for place, wanted in wrong_blocks(work, directory, store):
        count += 1
        if wanted is None:
            gone.append(place)
        else:
            put.append((place, wanted))
        if len(put) >= _WRITTEN:
            map_blocks.put(work, put)
            put.clear()
    map_blocks.put(work, put)
    map_blocks.remove(work, gone)
    return count


def wrong_blocks(
    work: UnitOfWork, directory: Directory, store: StateStore, rows: MapPages = live.map_pages
) -> Iterator[WrongBlock]:
    """Yield every place of which the table does not hold what follows from the rows.

    Args:
        work: the transaction.
        directory: of the newest commit.
        store: takes what grows with the live records.
        rows: reads the live records of the map.
    """
    making, compared = _Making({}), 0
    for prefix, entries in _entries(rows(work), directory, 0, _PREFIXES, store):
        making.add([(prefix, entries)])
        if making.blocks:
            yield from _differing(work, making.take(), _of_prefixes(compared, prefix + 1))
            compared = prefix + 1
    making.end()
    # Where one block holds all there is, nothing was compared yet: everything else is wrong.
    rest = [*_of_prefixes(compared, _PREFIXES), *_of_no_block(), (TOP, TOP + 1)] if compared else [(_LOWEST, None)]
    yield from _differing(work, making.take(), rest)


def _differing(
    work: UnitOfWork, made: list[tuple[int, bytes]], ranges: Sequence[tuple[int, int | None]]
) -> Iterator[WrongBlock]:
    """Yield what differs between blocks and those that are stored in some ranges of places, which hold all of them."""
    want = dict(made)
    for first, end in ranges:
        for place, block in map_blocks.between(work, first, end):
            wanted = want.pop(place, None)
            if wanted != block:
                yield WrongBlock(place, wanted)
    for place, wanted in want.items():
        yield WrongBlock(place, wanted)


def _of_prefixes(first: int, end: int) -> list[tuple[int, int]]:
    """Return the places of all blocks below the top under some of its 64 prefixes, as ranges."""
    deeper = range(0, DEEPEST, BLOCK_BITS)
    return [((_PREFIXES + first) << depth, (_PREFIXES + end) << depth) for depth in deeper] if first < end else []


def _of_no_block() -> list[tuple[int, int | None]]:
    """Return the places at which no block is: those of prefixes whose length is no multiple of 6 bits."""
    between: list[tuple[int, int | None]] = [
        (2 << depth, _PREFIXES << depth) for depth in range(0, DEEPEST, BLOCK_BITS)
    ]
    return [(_LOWEST, TOP), *between, (2 << DEEPEST, None)]


def _begun(work: UnitOfWork) -> dict[int, Stub]:
    """Return the blocks right below the top that an interrupted run has written, by prefix; each was its last."""
    found: dict[int, Stub] = {}
    for place, data in map_blocks.between(work, _PREFIXES, 2 * _PREFIXES):
        try:
            node, count = parse(place, data)
        except FormatError:
            continue
        if node is not None:
            found[place - _PREFIXES] = (node[0], count, place, None)
    return found


def _parts(work: UnitOfWork, part_records: int) -> list[tuple[int, int]]:
    """Return the parts in which the map is made, each from one prefix to before another."""
    records, parts = wholesale.rows_of(work, live_records), 1
    while records > parts * part_records and parts < _OF_SUBJECTS:
        parts *= 2
    if parts == 1:
        return [(0, _PREFIXES)]
    width = _OF_SUBJECTS // parts
    return [*((first, first + width) for first in range(0, _OF_SUBJECTS, width)), (_OF_SUBJECTS, _PREFIXES)]


def _entries(
    pages: Iterable[list[Fetched]], directory: Directory, first: int, end: int, store: StateStore
) -> Iterator[tuple[int, list[bytes]]]:
    """Yield each prefix of a part with its entries, key || value, ascending; all pages are read before the first."""
    low, high = first << (8 - BLOCK_BITS), end << (8 - BLOCK_BITS)
    others = [key + value for key, value in directory.map_entries().items() if low <= key[0] < high]
    rows = store.in_order(_of_records(pages, low, high), bytes)
    for prefix, some in groupby(chain(_of_subjects(rows), sorted(others)), lambda entry: entry[0] >> (8 - BLOCK_BITS)):
        yield prefix, list(some)


def _of_records(pages: Iterable[list[Fetched]], low: int, high: int) -> Iterator[bytes]:
    """Yield the key of each record's subject || its part of the value, of those whose keys begin with some bytes."""
    for page in pages:
        for index, subject, leaf, annotation, opening in page:
            key = subject_key(subject)
            if low <= key[0] < high:
                yield key + record_part(index, leaf, annotation or NO_ANNOTATION, opening)


def _of_subjects(rows: Iterator[bytes]) -> Iterator[bytes]:
    """Yield key || value of every subject."""
    for key, records in groupby(rows, itemgetter(slice(HASH_BYTES))):
        yield key + value_of_parts([row[HASH_BYTES:] for row in records])


def _write(database: Database, blocks: list[tuple[int, bytes]], row: HeadRow) -> None:
    with database.append() as work:
        now = head.lock(work)
        if now is None or now.leaf != row.leaf:
            # Such as an older program, which writes no blocks.
            want = "none: stop every server of the registry, and run it again"
            raise InconsistentError("map", got="another commit while its blocks were made", want=want)
        for start in range(0, len(blocks), _WRITTEN):
            map_blocks.put(work, blocks[start : start + _WRITTEN])
        work.commit()


class _Making:
    """Blocks that are made prefix by prefix.

    Args:
        begun: those right below the top that are there already, by prefix.
    """

    def __init__(self, begun: dict[int, Stub]) -> None:
        self._stubs: list[Node] = [begun.get(prefix) for prefix in range(_PREFIXES)]
        self._count = sum(stub[1] for stub in begun.values())
        self._waiting: list[tuple[int, list[bytes]]] = []
        self._begun = begun
        self.blocks: list[tuple[int, bytes]] = []
        self.root = EMPTY

    def add(self, parts: Iterable[tuple[int, list[bytes]]]) -> None:
        """Make the blocks under some prefixes; until there are more entries than one block holds, they wait."""
        for prefix, entries in parts:
            if prefix in self._begun:
                continue
            self._count += len(entries)
            self._waiting.append((prefix, entries))
            if self._count > MAX_ENTRIES:
                for waiting, some in self._waiting:
                    self._stubs[waiting] = build(_PREFIXES | waiting, some, self._made)
                self._waiting.clear()

    def end(self) -> None:
        """Make the top block."""
        if self._count > MAX_ENTRIES:
            top = fork(self._stubs)
        else:
            top = built([entry for _, entries in self._waiting for entry in entries], 0)
        if top is not None:
            self.root = top[0]
            self._made(TOP, top, self._count)

    def take(self) -> list[tuple[int, bytes]]:
        """Return the blocks made since the last call, each with its place."""
        made, self.blocks = self.blocks, []
        return made

    def _made(self, place: int, node: Node, count: int) -> None:
        self.blocks.append((place, encode(place, node, count)))
