"""A live record whose binding and facts a restore has lost, given back by its issuer: the same submission once more.

What is accepted is what admission accepts: the very bytes that the log holds, from who signed them, with what opens
their commitments and the sealed bytes that they name. Nothing new is said, so that no leaf is written for it; the HEAD
after it has the record in its map again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.leaf import StatementLeaf, parse_leaf
from client_sdk.kernel.formats.statement import Statement
from client_sdk.kernel.ledger.statistics import counted_facts, event_of, month_of
from registry_server.sequencing.errors import InconsistentError
from registry_server.storage.live import LiveRow

if TYPE_CHECKING:
    from registry_server.sequencing.items import StatementItem
    from registry_server.sequencing.staging import Staging
    from registry_server.storage.records import StoredRecord

__all__ = ["give_back"]


def give_back(staging: Staging, item: StatementItem) -> None:
    """Take back what is lost of a record, where this is the newest version of it, which the log holds byte for byte."""
    record, binding = staging.record(item.statement.key), item.binding
    if record is None or binding is None:
        return
    chain = record.chain
    lost = staging.loaded.lost.get(chain.key) == chain.index and staging.live(chain.key) is None
    if not lost or not chain.live or item.statement.version != chain.version:
        return
    staging.put_live(
        LiveRow.of(chain, record.first_index, binding, item.statement.facts_commitment), disclosure=item.disclosure
    )
    staging.given_back = True
    # Counted as admission does, in the month of the leaf: these counts were lost with the row.
    month = month_of(_leaf_of(staging, record, chain.version).logged_at, staging.directory.rulebook.time_zone)
    before = None
    if chain.version > 1:
        before = Statement.parse(_leaf_of(staging, record, chain.version - 1).payload).standing
    staging.fact_counts.update(counted_facts(month, event_of(before, chain.standing), item.facts))


def _leaf_of(staging: Staging, record: StoredRecord, version: int) -> StatementLeaf:
    leaf = parse_leaf(staging.leaf_at(staging.loaded.versions[record.first_index, version]))
    if not isinstance(leaf, StatementLeaf):
        raise InconsistentError("versions", got="another leaf", want="the statement of a version")
    return leaf
