"""No statement that runs for every call reads a whole table, however many keys it looks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, text

from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.ledger.quality import QualityCount, QualityEvent
from registry_server.storage import blocked, inquiries, leaves, live, quality, quotas, records, tls_keys
from registry_server.storage.quotas import STATEMENTS, QuotaKey
from registry_server.storage.unit_of_work import Database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from registry_server.storage.unit_of_work import UnitOfWork

KEYS = [bytes([number]) * 32 for number in range(5)]
READS: dict[str, Callable[[UnitOfWork], object]] = {
    "records": lambda work: records.by_keys(work, [RecordKey("lender-1", key[:16]) for key in KEYS]),
    "records of an issuer": lambda work: records.of_issuer(work, "lender-1", 1, 1_000, 5),
    "versions": lambda work: records.version_places(work, [(number, 1) for number in range(5)]),
    "annotations": lambda work: records.annotation_places(work, [(number, 1) for number in range(5)]),
    "annotation chains": lambda work: records.annotation_chains(work, range(5)),
    "unanswered disputes": lambda work: records.unanswered(work, "2026-01-01", 5),
    "annotation leaves": lambda work: records.annotation_leaves(work, range(5)),
    "live by index": lambda work: live.by_indexes(work, range(5)),
    "live by subject": lambda work: live.by_subjects(work, KEYS),
    "sealed by subject": lambda work: live.sealed_by_subjects(work, KEYS),
    "sealed by index": lambda work: live.sealed_by_indexes(work, range(5)),
    "leaves": lambda work: leaves.leaves_at(work, range(5)),
    "inquiries": lambda work: inquiries.by_keys(work, [("lender-1", key[:16]) for key in KEYS]),
    "TLS key": lambda work: tls_keys.get(work, "lender-1", KEYS[0]),
    "newest change of a TLS key": tls_keys.newest_change,
    "changed TLS keys": lambda work: tls_keys.changed_since(work, 7),
    "certificate": lambda work: tls_keys.certificate(work, KEYS[0]),
    "certificates": lambda work: tls_keys.certificates_of(work, "lender-1", 10),
    "blocked debts": lambda work: blocked.known(work, KEYS),
    "quality of a member": lambda work: _quality(work, "lender-1"),
    "quality of all members": lambda work: _quality(work, ""),
    "quotas": lambda work: quotas.used(work, [QuotaKey(str(number), STATEMENTS, "2026-01-01") for number in range(5)]),
}


def _quality(work: UnitOfWork, member: str) -> dict[QualityCount, int]:
    quality.add(work, {QualityCount("lender-1", "2026-01", QualityEvent.STATEMENT): 1})
    return quality.counts(work, member, "", "2026-01", 5)


@pytest.mark.parametrize("name", READS)
def test_sqlite_searches_an_index(tmp_path: Path, sqlite_template: Path, name: str) -> None:
    path = tmp_path / "registry.sqlite"
    path.write_bytes(sqlite_template.read_bytes())
    seen: list[tuple[str, tuple[object, ...]]] = []
    with Database(f"sqlite:///{path}") as database, database.snapshot() as work:
        event.listen(
            database.engine,
            "before_cursor_execute",
            lambda _connection, _cursor, statement, parameters, *_: seen.append((statement, parameters)),
        )
        READS[name](work)
        # Before it the transaction begins.
        *_, (statement, parameters) = seen
        plan = work.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        steps = [row[3] for row in plan]
        tables = work.connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
    scanned = [step for step in steps if step.startswith("SCAN") and any(table in step.split() for table in tables)]
    assert scanned == [], steps
    # What comes in order is read in order.
    assert not any("TEMP B-TREE FOR ORDER BY" in step for step in steps), steps
    assert any(step.startswith("SEARCH") for step in steps)
