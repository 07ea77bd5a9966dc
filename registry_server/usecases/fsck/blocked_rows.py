"""Comparison of blocked debts with the withdrawals that block them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.act import Act, GenesisBody, RulebookBody
from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import ActLeaf, StatementLeaf, parse_leaf
from client_sdk.kernel.formats.moment import DAY_MS
from client_sdk.kernel.formats.statement import Statement
from client_sdk.kernel.formats.words import Standing
from registry_server.sequencing.admission import BLOCKING
from registry_server.storage import blocked, leaves
from registry_server.usecases.fsck.report import RowKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from client_sdk.kernel.formats.statement import RecordKey
    from client_sdk.kernel.ledger.chain import Chain
    from client_sdk.kernel.ledger.state_store import StateStore
    from registry_server.storage.unit_of_work import UnitOfWork
    from registry_server.usecases.fsck.report import FsckReport
    from registry_server.usecases.fsck.rows import LeafPlaces

__all__ = ["check_blocked"]


def check_blocked(
    work: UnitOfWork,
    report: FsckReport,
    chains: Mapping[RecordKey, Chain],
    links: LeafPlaces,
    now: int,
    store: StateStore,
) -> None:
    """Check that each record whose withdrawal blocks its debt does so, and that nothing else does.

    Which debt that is, no leaf tells.

    Args:
        work: the snapshot.
        report: takes the findings.
        chains: of all records, from the leaves.
        links: where their versions are.
        now: time of the newest leaf, ms.
        store: takes what grows with the withdrawals.
    """
    withdrawn = store.mapping("withdrawn", int, int)
    for chain in chains.values():
        if chain.standing is Standing.WITHDRAWN and not chain.erased:
            first = links.first(chain.key)
            withdrawn[chain.index] = chain.index if first is None else first
    want = store.mapping("blocking", int, tuple)
    want.update(_blocking(work, store.ascending(withdrawn)))
    for row in blocked.rows(work):
        if want.get(row.record) != (row.blocked_at, row.reason, row.removed_on) or len(row.debt_hash) != HASH_BYTES:
            got = f"{row.reason}, blocked at {row.blocked_at}, removed on {row.removed_on or 'no day'}"
            _note(report, row.record, got=got, want="a withdrawal that blocks, then, for that reason and with that day")
    # One that is older may have been deleted, also where the rulebook of today would keep it; a day for what ran since.
    over = now - _shortest_retention(work) * 366 * DAY_MS + DAY_MS
    fresh = ((record, reason) for record, (moment, reason, _) in store.ascending(want) if moment > over)
    for some in work.in_pages(fresh):
        found = blocked.blocking(work, [record for record, _ in some])
        for record, reason in some:
            if record not in found:
                _note(report, record, got="none", want=f"a row, as it was withdrawn for {reason}")


def _note(report: FsckReport, record: int, *, got: str, want: str) -> None:
    report.note(RowKind.BLOCKED_ROW, f"record of leaf {record}", "blocked-debts.row", got=got, want=want)


def _blocking(work: UnitOfWork, withdrawn: Iterator[tuple[int, int]]) -> Iterator[tuple[int, tuple[int, str, str]]]:
    """Yield the first index of each record whose withdrawal blocks its debt, with its time, reason and day of removal.

    Args:
        work: the snapshot.
        withdrawn: index of the leaf that withdrew a record, and first index of the record.
    """
    for some in map(dict, work.in_pages(withdrawn)):
        for index, data in leaves.leaves_at(work, some).items():
            # A leaf without form is found elsewhere.
            with suppress(FormatError):
                leaf = parse_leaf(data)
                said = Statement.parse(leaf.payload) if isinstance(leaf, StatementLeaf) else None
                if said is not None and said.reason is not None and said.reason in BLOCKING:
                    yield some[index], (leaf.logged_at, said.reason.name, said.removed_on)


def _shortest_retention(work: UnitOfWork) -> int:
    """Return the fewest ``retention_years`` of the rulebooks that were ever in force."""
    years = []
    for act in leaves.act_leaves(work):
        with suppress(FormatError):
            leaf = parse_leaf(act.leaf)
            body = Act.parse(leaf.payload).body if isinstance(leaf, ActLeaf) else None
            if isinstance(body, GenesisBody | RulebookBody):
                years.append(body.rulebook.retention_years)
    return min(years, default=0)
