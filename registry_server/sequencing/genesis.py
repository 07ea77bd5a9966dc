"""The genesis: leaf 0, the first HEAD as leaf 1, a checkpoint of size 2 (proto/README.md 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.leaf import ActLeaf, parse_leaf
from client_sdk.kernel.ledger.directory import Directory
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError
from registry_server.sequencing.append import Trees, seal
from registry_server.sequencing.clock import KnownClock
from registry_server.sequencing.committed import open_trees
from registry_server.sequencing.loading import Loaded
from registry_server.sequencing.map_cache import MapCache
from registry_server.sequencing.publish import Publisher, origin_of
from registry_server.sequencing.staging import Staging
from registry_server.storage import head, leaves

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.formats.leaf import Approval
    from registry_server.storage.register import Register
    from registry_server.storage.unit_of_work import Database

__all__ = ["found"]


def found(
    database: Database, register: Register, signer: Signer, payload: bytes, approvals: Sequence[Approval], now: int
) -> bytes:
    """Log the genesis act and return the checkpoint of size 2; the same act again changes nothing.

    Args:
        database: migrated, without a log or with the log of this very act.
        register: of the log; made here, unless a checkpoint was signed before.
        signer: of the log's key, which the act names.
        payload: canonical Act.
        approvals: signatures of the administrators, ascending by key id.
        now: ms.

    Raises:
        FormatError: the act is not canonical.
        RuleError: its administrators, keys or signatures are not in order; ALREADY_FOUNDED where another act is
            leaf 0.
        InconsistentError: the act does not name the log's key, or database and register do not belong together.
        StorageError: the database failed.
    """
    leaf = ActLeaf(now, payload, tuple(approvals))
    directory = Directory.genesis(leaf)
    origin_of(directory.state, signer)
    with database.append() as work:
        if head.lock(work) is None:
            staging = Staging(directory, Loaded(), 0, now, day_of(now, directory.rulebook.time_zone).isoformat())
            staging.directory_before = None
            staging.add_leaf(leaf.encode())
            staging.acts.append((0, 0))
            # The operator who founds a registry confirms its clock.
            seal(work, staging, Trees(*open_trees(database, None), MapCache()), None, KnownClock(now))
            work.commit()
    return _publish_first(database, register, signer, payload)


def _publish_first(database: Database, register: Register, signer: Signer, payload: bytes) -> bytes:
    from registry_server.sequencing.recover import recover  # noqa: PLC0415 - recovery opens what founding has made

    with database.snapshot() as work:
        genesis = parse_leaf(leaves.leaf_range(work, 0, 1)[0].leaf)
        row = head.read(work)
    if not isinstance(genesis, ActLeaf) or genesis.payload != payload:
        raise RuleError("ALREADY_FOUNDED", "payload", "log.genesis", want="the genesis act of this log")
    committed = recover(database)
    publisher = Publisher(database, signer, register, committed)
    if row is not None and not row.checkpoint_size:
        publisher.found()
    return publisher.store(committed.state)
