"""The whole log verified again from storage alone, by the kernel and by nothing of the sequencer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.batch_signature import verify_signed
from client_sdk.kernel.formats.checkpoint import parse_checkpoint
from client_sdk.kernel.formats.commitment import binding_opens
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.leaf import ActLeaf, Head, StatementLeaf, parse_leaf
from client_sdk.kernel.formats.merkle import Frontier, MemoryTree
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.prefix_tree import root_of
from client_sdk.kernel.formats.seal import disclosure_digest
from client_sdk.kernel.formats.statement import Statement
from client_sdk.kernel.formats.tiles import tiles_of
from client_sdk.kernel.ledger.inquiry_tree import InquiryLeaf
from client_sdk.kernel.ledger.replay import Replay
from registry_server.storage import head, inquiries, leaves, live, records
from registry_server.storage.unit_of_work import Database
from tests.support.live_map import Bound, map_entries, mapped

if TYPE_CHECKING:
    from client_sdk.kernel.formats.errors import FormatError
    from client_sdk.kernel.rules.errors import RuleError
    from registry_server.storage.head import HeadRow
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["reverify"]


def reverify(url: str) -> Replay:
    """Verify everything that the database holds; return the state that the log tells.

    Raises:
        AssertionError: something does not follow from the leaves, or a leaf breaks a rule.
    """
    with Database(url, serving=False) as database, database.snapshot() as work:
        row = head.read(work)
        assert row is not None
        replay = _replay(work)
        assert replay.size == row.size
        assert replay.ends_with_head
        assert replay.head is not None
        _check_tree(work, "log", [leaf_hash(stored.leaf) for stored in leaves.leaves(work)], row.frontier)
        _check_inquiries(work, replay.head, row)
        _check_rows(work, replay, replay.head)
        _check_checkpoint(replay, row)
        return replay


def _replay(work: UnitOfWork) -> Replay:
    complaints: list[tuple[int, FormatError | RuleError]] = []
    replay = Replay(lambda index, error: complaints.append((index, error)))
    acts = []
    for expected, stored in enumerate(leaves.leaves(work)):
        assert stored.leaf_index == expected
        signed = replay.feed(stored.leaf)
        if signed is not None:
            verify_signed(*signed)
        if isinstance(parse_leaf(stored.leaf), ActLeaf):
            acts.append(stored.leaf_index)
    assert complaints == []
    assert [(act.number, act.leaf_index) for act in leaves.act_leaves(work)] == list(enumerate(acts))
    return replay


def _check_tree(work: UnitOfWork, name: str, hashes: list[bytes], frontier: bytes) -> None:
    tree = MemoryTree(hashes)
    assert Frontier.from_bytes(frontier).root() == tree.root()
    stored = {(tile.level, tile.tile_index): tile.hashes for tile in leaves.tiles(work, name)}
    wanted = {
        (tile.level, tile.index): b"".join(
            tree.node(8 * tile.level, 256 * tile.index + offset) for offset in range(tile.width)
        )
        for tile in tiles_of(len(hashes))
    }
    assert stored == wanted


def _check_inquiries(work: UnitOfWork, newest: Head, row: HeadRow) -> None:
    found = list(inquiries.leaves(work))
    assert len(found) == newest.inquiry_count == row.inquiry_count
    for leaf in found:
        InquiryLeaf.parse(leaf)
    hashes = [leaf_hash(leaf) for leaf in found]
    assert MemoryTree(hashes).root() == newest.inquiry_root
    _check_tree(work, "inquiry", hashes, row.inquiry_frontier)


def _check_rows(work: UnitOfWork, replay: Replay, newest: Head) -> None:
    stored = {record.chain.key: record for record in records.records(work)}
    assert {key: record.chain for key, record in stored.items()} == replay.chains
    bound = []
    alive = set()
    for row, disclosure, text, leaf in live.live_rows(work):
        chain = replay.chains[row.key]
        assert chain.live
        assert chain.key not in alive
        alive.add(chain.key)
        parsed = parse_leaf(leaf)
        assert isinstance(parsed, StatementLeaf)
        statement = Statement.parse(parsed.payload)
        assert (row.index, row.leaf_hash, row.record) == (chain.index, chain.leaf_hash, stored[row.key].first_index)
        assert (row.kind, row.standing) == (chain.kind, chain.standing)
        assert row.subject_key_version == chain.subject_key_version
        assert row.facts_commitment == statement.facts_commitment
        assert binding_opens(statement.subject_commitment, row.subject, row.opening)
        assert disclosure_digest(disclosure) == statement.disclosure_digest
        digest = b"" if chain.annotation is None else chain.annotation.disclosure_digest
        assert (disclosure_digest(text) if text else b"") == digest
        bound.append(Bound(row.subject, mapped(chain, row.opening)))
    assert alive == {chain.key for chain in replay.live()}
    entries = map_entries(replay.directory, bound)
    assert root_of(sorted(entries.items())) == newest.map_root
    assert len(entries) == newest.entry_count


def _check_checkpoint(replay: Replay, row: HeadRow) -> None:
    """The newest checkpoint may be older than the head row, after a crash; it never tells anything else."""
    if not row.checkpoint:
        return
    (log_key,) = replay.directory.state.log_keys
    key = VerifierKey.ed25519(log_key.origin, log_key.public_key)
    checkpoint = parse_checkpoint(row.checkpoint, key).checkpoint
    assert checkpoint.size == row.checkpoint_size <= row.size
    if checkpoint.size == row.size:
        assert checkpoint.root == Frontier.from_bytes(row.frontier).root()
