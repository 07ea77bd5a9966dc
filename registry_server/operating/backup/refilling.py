"""Refilling a restored database with the leaves that were signed after its backup, from a copy of the log elsewhere.

Leaves are taken as far as a signature of the log's key vouches for them: that of the copy's checkpoint, or of the
register's. Everything else follows: derived rows are computed anew, and what the log has erased meanwhile is erased
again. One transaction; a run that is killed has done nothing, and one that is repeated changes nothing.
"""

from __future__ import annotations

from contextlib import closing
from itertools import chain as joined
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.leaf import HeadLeaf, parse_leaf
from client_sdk.kernel.formats.merkle import Frontier
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.ledger.inquiry import Inquiry
from client_sdk.kernel.ledger.inquiry_tree import InquiryLeaf
from client_sdk.kernel.rules.errors import RuleError
from registry_server.operating.backup import BackupError
from registry_server.operating.backup.sources import open_copy
from registry_server.operating.register import register_of
from registry_server.operating.repair import forget, restate_lost
from registry_server.operating.replay_state import replay_state
from registry_server.operating.wind_down import while_not_served
from registry_server.sequencing.errors import NoGenesisError
from registry_server.sequencing.recover import directory_of
from registry_server.storage import head, inquiries, leaves, migrations
from registry_server.storage.inquiries import StoredInquiry, WaitingInquiry
from registry_server.storage.leaves import StoredLeaf
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.derived import Repaired, repair_derived

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping
    from pathlib import Path

    from client_sdk.kernel.formats.checkpoint import Checkpoint
    from client_sdk.kernel.ledger.state_store import StateStore
    from registry_server.operating.backup.sources import KeptInquiry, LogCopy
    from registry_server.sequencing.clock import Clocks
    from registry_server.settings import Settings
    from registry_server.storage.head import HeadRow
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["Refilled", "refill"]

# Inquiries that may have waited for a HEAD when the backup was made.
_MOST_WAITING = 1_000_000


class Refilled(NamedTuple):
    """What was brought back.

    Attributes:
        leaves: how many.
        inquiries: how many; they have no opening.
        repaired: what was put right after them, and what is still lost.
    """

    leaves: int
    inquiries: int
    repaired: Repaired


def refill(settings: Settings, folder: Path, clocks: Clocks | None = None) -> Refilled:
    """Add the leaves that a restored database lacks, and let every row follow them.

    Args:
        settings: of the registry; no server of it runs.
        folder: a copy of the log: of ``tiles export``, with leaves, or of an audit.
        clocks: this machine's where none are given.

    Raises:
        BackupError: the folder holds no copy of this log, it contradicts what was signed, or it lacks inquiries that
            the leaves count; nothing was changed.
        ConfigError: it is the folder of an audit, and damaged or in use; or the registry's folder takes no file, or
            its disk is full; nothing was changed.
        InconsistentError: leaves or inquiries do not fit together; nothing was changed.
        WindDownError: a server of the registry runs.
        NoGenesisError: there is no log to be refilled.
        ClockError: records are lost, and what time it is is not known: confirm the clock, and run it again.
        StorageError: the database failed; nothing was changed.
        OSError: a file cannot be read.
    """
    migrations.check(settings.database)
    public_key = Ed25519Signer.from_pkcs8_pem(settings.log_key_file.read_bytes()).public_key
    with closing(register_of(settings)) as register:
        held = register.read()
    with Database(settings.database) as database, while_not_served(database):
        with replay_state(settings) as store, database.append() as work:
            copy = open_copy(folder, VerifierKey.ed25519(settings.log_origin, public_key.raw), store)
            row = head.lock(work)
            if row is None:
                raise NoGenesisError
            signed = [copy.checkpoint, *([] if held is None else [held])]
            end = max((one.size for one in signed if one.size <= copy.size), default=0)
            fresh, placed, taken = 0, 0, store.mapping("inquiries of the copy", int, StoredInquiry)
            if end > row.size:
                last = _add_leaves(work, row, copy, end, signed)
                placed = _add_inquiries(work, row, copy, last, store, taken)
                fresh = end - row.size
                if copy.checkpoint.size == end:
                    head.store_checkpoint(work, head.StoredCheckpoint(end, copy.note))
            repaired = repair_derived(work, store, write=True)
            _check_signers(work, taken.values())
            work.commit()
        forget(database, repaired)
        restate_lost(settings, database, repaired, clocks)
        return Refilled(fresh, placed, repaired)


def _add_leaves(work: UnitOfWork, row: HeadRow, copy: LogCopy, end: int, signed: list[Checkpoint]) -> bytes:
    """Write the leaves up to a signed size, whose root must be the signed one; return the last of them."""
    frontier, last, page = Frontier.from_bytes(row.frontier), b"", list[StoredLeaf]()
    for leaf in copy.leaves(row.size, end):
        page.append(StoredLeaf(frontier.size, leaf))
        frontier.append(leaf_hash(leaf))
        last = leaf
        for one in signed:
            if one.size == frontier.size and one.root != frontier.root():
                raise BackupError(f"the copy contradicts the {one.size} leaves that were signed: use another copy")
        if len(page) == work.page_rows:
            leaves.add_leaves(work, page)
            page = []
    leaves.add_leaves(work, page)
    if frontier.size != end:
        raise BackupError(f"the copy ends at leaf {frontier.size}, before the {end} leaves that it tells of")
    return last


def _add_inquiries(
    work: UnitOfWork,
    row: HeadRow,
    copy: LogCopy,
    last: bytes,
    store: StateStore,
    taken: MutableMapping[int, StoredInquiry],
) -> int:
    """Give inquiries their places up to the count of the last HEAD, those first that waited for it; return how many.

    Args:
        work: the transaction.
        row: the head row, as it was.
        copy: of the log.
        last: the last leaf that was added.
        store: takes what grows with the inquiries.
        taken: those that the copy alone has are put here, by their place.

    Raises:
        BackupError: neither database nor copy has one of them.
    """
    leaf = parse_leaf(last)
    if not isinstance(leaf, HeadLeaf):
        raise BackupError("the copy does not end with a HEAD: use another copy")
    count = leaf.head.inquiry_count
    waiting = store.mapping("waiting inquiries", bytes, WaitingInquiry)
    order = store.mapping("order of waiting inquiries", int, bytes)
    for number, item in enumerate(inquiries.waiting(work, _MOST_WAITING)):
        waiting[leaf_hash(item.leaf)], order[number] = item, item.leaf
    # Where the copy does not tell, those that waited come first, in their order; the HEAD's root says whether it is so.
    told = copy.inquiry_leaves(row.inquiry_count)
    first = next(told, None)
    wanted = joined((first,), told) if first is not None else (data for _, data in store.ascending(order))
    for position in range(row.inquiry_count, count):
        data = next(wanted, b"")
        hash_ = leaf_hash(data)
        if (waited := waiting.pop(hash_, None)) is not None:
            inquiries.place(work, position, [waited])
        elif (kept := copy.asked.get(hash_)) is not None:
            taken[position] = _inquiry(kept, data, position)
            inquiries.add(work, [taken[position]])
        else:
            raise BackupError(
                f"inquiries {position} to {count - 1} are neither in the database nor in the copy: name the folder of "
                "an audit that was made after the backup"
            )
    return count - row.inquiry_count


def _inquiry(signed: KeptInquiry, data: bytes, position: int) -> StoredInquiry:
    """Return an inquiry as an auditor has kept it: whom it asked about is not in it.

    Raises:
        BackupError: it is not the one that its leaf stands for.
    """
    leaf = InquiryLeaf.parse(data)
    if InquiryLeaf.of(leaf.received_at, leaf.outcome, signed.payload, signed.signature) != leaf:
        raise BackupError(f"inquiry {position} was changed in the copy: use another copy")
    inquiry = Inquiry.parse(signed.payload)
    return StoredInquiry(
        asker=inquiry.asker,
        inquiry_id=inquiry.inquiry_id,
        received_at=leaf.received_at,
        outcome=leaf.outcome,
        payload=signed.payload,
        key_id=signed.key_id,
        signature=signed.signature,
        leaf=data,
        position=position,
        subject_count=inquiry.persons,
        opening=None,
    )


def _check_signers(work: UnitOfWork, taken: Iterable[StoredInquiry]) -> None:
    """Check that the key that an inquiry of the copy names is its asker's and has signed it: its leaf names none.

    Raises:
        BackupError: it is not, or has not.
    """
    row = head.read(work)
    if row is None:
        return
    directory = directory_of(work, row)
    for item in taken:
        try:
            key = directory.key_of(item.key_id, item.asker)
            dsse.verify(dsse.INQUIRY, item.payload, key.public_key, item.signature)
        except (FormatError, RuleError) as error:
            what = f"inquiry {item.position} names a key in the copy that did not sign it ({error.rule})"
            raise BackupError(f"{what}: use another copy") from None
