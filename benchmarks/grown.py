"""A registry with very many records, made without reporting them one by one, and kept in ``.bench`` for the next run.

The rows go straight into storage: as many records as asked for, each with its leaf, tiles, version and live row, and
the HEAD that fits them. The server starts on them and appends to them as on any others. What no row of the benchmark
reads is random: the bytes of the leaves, and with them the signatures.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.world import LENDERS
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.leaf import HeadLeaf
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.ledger.chain import Chain
from client_sdk.testing import TestRegistry
from registry_server.sequencing.committed import stored_map
from registry_server.sequencing.map_building import fill_map
from registry_server.sequencing.recover import recover
from registry_server.storage import head, leaves, live, map_blocks, records
from registry_server.storage.head import HeadRow
from registry_server.storage.leaves import StoredLeaf
from registry_server.storage.live import LiveRow
from registry_server.storage.records import StoredRecord, VersionPlace
from registry_server.storage.unit_of_work import Database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from registry_server.sequencing.committed import Committed

__all__ = ["grown", "kept"]

BENCH = Path(".bench")
# What decides which bytes a filled database holds: where one of these files changes, it is made anew.
_SOURCES = (
    *("migrations/versions", "client_sdk/kernel/formats"),
    *("registry_server/sequencing/map_block.py", "benchmarks/grown.py"),
)

# Lengths of a statement's leaf and of a sealed disclosure as they are in the other rows.
LEAF_BYTES = 284
DISCLOSURE_BYTES = 528
RETAIN_UNTIL = "2031-01-01"
# Records of one transaction.
CHUNK = 20_000


@contextmanager
def grown(count: int) -> Iterator[TestRegistry]:
    """Yield a registry with so many records, not started yet; a copy, which may be appended to."""
    BENCH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BENCH) as folder:
        copy = Path(folder) / "registry"
        shutil.copytree(kept(count), copy)
        running = TestRegistry(folder=copy, lenders=LENDERS)
        settings = running.registry_home / "registry.toml"
        settings.write_text(re.sub("(?m)^listen = .*$", f'listen = "{running.address}"', settings.read_text()))
        try:
            yield running
        finally:
            running.close()


def kept(count: int) -> Path:
    """Return the folder of a registry with so many records; it is made where there is none of this version."""
    digest = sha256()
    for source in map(Path, _SOURCES):
        for file in sorted(source.glob("*.py")) if source.is_dir() else [source]:
            digest.update(file.read_bytes())
    BENCH.mkdir(exist_ok=True)
    folder = BENCH / f"grown-{count}-{digest.hexdigest()[:16]}"
    if not folder.exists():
        for old in BENCH.glob(f"grown-{count}-*"):
            shutil.rmtree(old)
        making = folder.with_name(f"making-{folder.name}")
        shutil.rmtree(making, ignore_errors=True)
        with TestRegistry(folder=making.absolute(), lenders=LENDERS):
            pass
        _fill(f"sqlite:///{making / 'registry' / 'registry.sqlite'}", LENDERS, count)
        making.rename(folder)
    return folder


def _fill(url: str, issuers: Sequence[str], count: int) -> None:
    """Add records to the database of a founded registry that no server has open."""
    with Database(url) as database:
        committed = recover(database)
        first = committed.state.size
        for start in range(first, first + count, CHUNK):
            _add(database, committed, issuers, range(start, min(start + CHUNK, first + count)))
        _end(database, committed)


def _add(database: Database, committed: Committed, issuers: Sequence[str], indexes: range) -> None:
    """Write records with these leaves."""
    data = [os.urandom(LEAF_BYTES) for _ in indexes]
    hashes = [leaf_hash(leaf) for leaf in data]
    rows = [_row(index, issuers[index % len(issuers)], digest) for index, digest in zip(indexes, hashes, strict=True)]
    staged = committed.log.stage(hashes)
    with database.append() as work:
        leaves.add_leaves(work, [StoredLeaf(index, leaf) for index, leaf in zip(indexes, data, strict=True)])
        leaves.put_tiles(work, staged.tiles)
        records.put(work, [_record(row) for row in rows])
        records.add_versions(work, [VersionPlace(index, index, 1) for index in indexes])
        live.add(work, [(row, os.urandom(DISCLOSURE_BYTES), b"") for row in rows])
        work.commit()
    committed.log.apply(staged)


def _row(index: int, issuer: str, leaf: bytes) -> LiveRow:
    key, *secrets = (os.urandom(32) for _ in range(5))
    subject, opening, debt_ref, facts = secrets
    return LiveRow(
        index,
        index,
        RecordKey(issuer, key[:16]),
        subject,
        1,
        opening,
        debt_ref,
        Kind.DEFAULT,
        Standing.OPEN,
        leaf,
        facts,
    )


def _record(row: LiveRow) -> StoredRecord:
    chain = Chain(
        row.key,
        row.kind,
        row.standing,
        1,
        row.facts_commitment,
        row.index,
        row.leaf_hash,
        row.subject_key_version,
        RETAIN_UNTIL,
        subject_commitment=row.opening,
    )
    return StoredRecord(row.index, chain)


def _end(database: Database, committed: Committed) -> None:
    """Write the HEAD that fits what was added; the server signs its checkpoint when it starts."""
    before = committed.state
    with database.append() as work:
        map_blocks.clear(work)
        work.commit()
    fill_map(database)
    with database.snapshot() as work:
        tree = stored_map(work)
    newest = replace(before.head, map_root=tree.root, entry_count=tree.count, previous=leaf_hash(before.head_leaf))
    leaf = HeadLeaf(before.logged_at, newest.encode()).encode()
    staged = committed.log.stage([leaf_hash(leaf)])
    with database.append() as work:
        leaves.add_leaves(work, [StoredLeaf(staged.size - 1, leaf)])
        leaves.put_tiles(work, staged.tiles)
        row = HeadRow(
            size=staged.size,
            frontier=staged.frontier,
            leaf=leaf,
            logged_at=before.logged_at,
            clock_reference=before.logged_at,
            map_root=newest.map_root,
            entry_count=newest.entry_count,
            newest_act=newest.newest_act,
            inquiry_count=newest.inquiry_count,
            inquiry_frontier=committed.inquiries.frontier,
        )
        head.write(work, row)
        work.commit()
