"""What the clients were told, held against what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from client_sdk import Client
from client_sdk.auditing.auditor import Auditor
from client_sdk.kernel.formats.encoding import leaf_hash
from registry_server.storage.leaves import leaves
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from tests.client_sdk.sdk_samples import default_report
from tests.torture.site import LENDERS

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.testing import TestRegistry
    from tests.torture.journal import Journal

__all__ = ["Judged", "Verdict", "verdict"]


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


class Verdict(NamedTuple):
    """What was found.

    Attributes:
        acknowledged: reports that a lender was told are logged.
        lost: those of them that are not, and receipts of leaves that are others.
        doubled: records and versions beyond one for each report.
        forks: proofs that two histories were signed.
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
    with Database(site.database_url, serving=False) as database, database.snapshot() as work:
        hashes = [leaf_hash(stored.leaf).hex() for stored in leaves(work)]
    for lender in LENDERS:
        journal = site.journal(lender)
        acknowledged += len(journal.acknowledged)
        ambiguous += journal.ambiguous
        other += [f"{lender}: {what}" for what in journal.wrong]
        lost += sum(hashes[told.place : told.place + 1] != [told.leaf] for told in journal.receipts)
        with Client(site.registry.config(lender)) as client:
            versions = [view.version for view in client.records()]
            # Of what is uncertain at the end there is nothing: the lenders have cleared it up.
            doubled += len(versions) - len(journal.sent) + sum(version - 1 for version in versions)
            again = client.report_many(default_report(number) for number in journal.acknowledged)
            lost += again.rows - again.repeated
    audited = Auditor.from_home(site.registry.home("auditor")).audit()
    other += [f"audit: {finding}" for finding in audited.findings]
    with Database(site.database_url, serving=False) as database:
        other += [f"fsck: {finding}" for finding in fsck(database).findings]
    forks = len(list(site.folder.rglob("contradiction-*.proof")))
    return Verdict(acknowledged, lost, doubled, forks, ambiguous, tuple(other))
