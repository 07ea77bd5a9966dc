"""P6, Durable: the registry is killed while a portfolio is being reported, started again, and the report resumed."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from client_sdk import Client
from client_sdk.errors import CreditRegistryError
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.leaf import StatementLeaf, parse_leaf
from client_sdk.kernel.formats.statement import Statement
from client_sdk.lending.outbox import Outbox
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from tests.client_sdk.sdk_samples import history
from tests.support.command import Command
from tests.support.held import log_of

if TYPE_CHECKING:
    from client_sdk.models import Report
    from tests.support.held import Site


def portfolio(first: int) -> list[Report]:
    """400 records of two versions: more than one chunk, so that some of it is answered when the registry dies."""
    return [row for number in range(first, first + 400) for row in history(number, cured=False)]


def versions(site: Site) -> list[tuple[bytes, int]]:
    """Record and version of every statement in the log, in order."""
    parsed = [parse_leaf(leaf) for leaf in log_of(site.database_url)]
    found = [
        Statement.parse(leaf.payload)
        for leaf in parsed
        if isinstance(leaf, StatementLeaf) and leaf.payload_type == dsse.STATEMENT
    ]
    return [(statement.record_id, statement.version) for statement in found]


@pytest.mark.parametrize("committed", [1, 300])
def test_p6_a_crash_or_a_retry_loses_and_doubles_nothing(site: Site, committed: int) -> None:
    """Durable. What was acknowledged is committed, in the log and in a signed checkpoint. A crash or a retry loses and
    doubles nothing.
    """
    rows = portfolio(20_000 if committed == 1 else 21_000)
    kill_while_reporting(site, rows, committed)
    logged = versions(site)
    assert len(set(logged)) == len(logged)
    assert_acknowledged_is_logged(site, rows)
    with Client(site.registry.config("lender-1")) as lender:
        told = lender.report_many(rows)
        assert (told.accepted + told.repeated, told.rejected) == (len(rows), ())
        assert told.repeated >= committed
        assert lender.report_many(rows).repeated == len(rows)
    assert assert_acknowledged_is_logged(site, rows) == len(rows)
    after = versions(site)
    assert after[: len(logged)] == logged
    assert len(set(after)) == len(after)
    told_by_audit = Command(site.registry.home("auditor"))("audit", "--jobs", "1")
    assert told_by_audit.content["findings"] == []
    with Database(site.database_url, serving=False) as database:
        assert fsck(database).findings == []


def assert_acknowledged_is_logged(site: Site, rows: list[Report]) -> int:
    """Check that each receipt that the lender has names the leaf that is there; return how many it has."""
    config, leaves = site.registry.config("lender-1"), log_of(site.database_url)
    with Client(config) as lender:
        names = [row.name for row in rows if row.name is not None]
        record_ids = dict.fromkeys(lender.record_id(name) for name in names)
    count = 0
    with Outbox(config.outbox_file, site.registry.name, "lender-1") as outbox:
        for record_id in record_ids:
            for version in (1, 2):
                receipt = outbox.receipt("lender-1", record_id, version)
                if receipt is not None:
                    count += 1
                    assert leaves[receipt.index] == receipt.leaf
    return count


def kill_while_reporting(site: Site, rows: list[Report], committed: int) -> None:
    """Report, kill the registry as soon as so many statements are in its log, and start it again."""
    registry, before = site.registry, len(versions(site))

    def report() -> None:
        with Client(registry.config("lender-1")) as lender, suppress(CreditRegistryError):
            lender.report_many(rows)

    thread = threading.Thread(target=report)
    thread.start()
    while thread.is_alive() and len(versions(site)) < before + committed:
        pass
    registry.stop("registry", kill=True)
    thread.join()
    registry.start_registry()
