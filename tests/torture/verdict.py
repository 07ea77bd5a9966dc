"""What the clients were told, held against what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from client_sdk import Client
from client_sdk.auditing.auditor import Auditor
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.merkle import MemoryTree
from registry_server.storage.leaves import leaves
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from tests.torture.lender import LENDERS, report_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from client_sdk.kernel.formats.checkpoint import Checkpoint
    from client_sdk.testing import TestRegistry
    from tests.torture.journal import Journal

__all__ = ["Judged", "Verdict", "forks_of", "verdict"]


class Judged(Protocol):
    """What was tortured: a registry, its members, and what each lender has noted."""

    @property
    def folder(self) -> Path:
        """Where everything lies."""

    @property
    def registry(self) -> TestRegistry:
        """The registry with its members."""

    @property
    def database_url(self) -> str:
        """Where the registry keeps what it has."""

    def journal(self, lender: str) -> Journal:
        """Return what a lender has done."""

    def cosigned(self) -> dict[str, Checkpoint]:
        """Return the newest checkpoint that each witness has cosigned; empty where there are no witnesses."""


class Verdict(NamedTuple):
    """What was found.

    Attributes:
        acknowledged: reports that a lender was told are logged.
        lost: those of them that are not, and receipts of leaves that are others.
        doubled: records and versions beyond one for each report.
        forks: proofs that two histories were signed, and witnesses that have cosigned another one than is stored.
        ambiguous: reports whose answer was lost, and which were logged when they were sent again.
        other: everything else that is wrong: findings of fsck and audit, answers that contradict.
    """

    acknowledged: int
    lost: int
    doubled: int
    forks: int
    ambiguous: int
    other: tuple[str, ...]

    @property
    def fine(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.doubled or self.forks or self.other)


def verdict(site: Judged) -> Verdict:
    """Compare, with the registry running and the lenders stopped."""
    acknowledged = lost = doubled = ambiguous = 0
    other: list[str] = []
    # Before the leaves, which grow by the heartbeat.
    cosigned = site.cosigned().values()
    with Database(site.database_url, serving=False) as database, database.snapshot() as work:
        hashes = [leaf_hash(stored.leaf) for stored in leaves(work)]
    for lender in LENDERS:
        journal = site.journal(lender)
        acknowledged += len(journal.acknowledged)
        ambiguous += journal.ambiguous
        other += [f"{lender}: {what}" for what in journal.wrong]
        lost += sum(hashes[told.place : told.place + 1] != [bytes.fromhex(told.leaf)] for told in journal.receipts)
        with Client(site.registry.config(lender)) as client:
            versions = [view.version for view in client.records()]
            # Of what is uncertain at the end there is nothing: the lenders have cleared it up.
            doubled += len(versions) - len(journal.sent) + sum(version - 1 for version in versions)
            again = client.report_many(report_of(number) for number in journal.acknowledged)
            lost += again.rows - again.repeated
    audited = Auditor.from_home(site.registry.home("auditor")).audit()
    other += [f"audit: {finding}" for finding in audited.findings]
    with Database(site.database_url, serving=False) as database:
        other += [f"fsck: {finding}" for finding in fsck(database).findings]
    forks = len(list(site.folder.rglob("contradiction-*.proof"))) + forks_of(cosigned, hashes)
    return Verdict(acknowledged, lost, doubled, forks, ambiguous, tuple(other))


def forks_of(cosigned: Iterable[Checkpoint], hashes: list[bytes]) -> int:
    """Return how many of these checkpoints are not of the log with these leaf hashes."""
    tree = MemoryTree(hashes)
    return sum(one.size > len(hashes) or tree.root(one.size) != one.root for one in cosigned)
