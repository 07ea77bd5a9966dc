"""Counts of admitted statements, and of what DEFAULTs say (client_sdk/kernel/ledger/statistics.py).

They are added to in the transaction that logs the statements, are about no record, and are never deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from client_sdk.kernel.formats.words import Kind, word
from client_sdk.kernel.ledger.statistics import Breakdown, FactCount, StatementCount
from registry_server.storage import schema
from registry_server.storage.driver import count_up, fetch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["add_facts", "add_statements", "fact_rows", "facts", "statement_rows", "statements"]


def add_statements(work: UnitOfWork, counts: Mapping[StatementCount, int]) -> None:
    """Count further statements; two processes that count at once lose nothing."""
    rows = [(key.issuer, key.month, key.kind.number, key.event, count) for key, count in counts.items()]
    count_up(work, schema.statement_counts, rows)


def add_facts(work: UnitOfWork, counts: Mapping[FactCount, int]) -> None:
    """Count what further DEFAULTs say."""
    rows = [(key.month, key.breakdown.value, key.word, count) for key, count in counts.items()]
    count_up(work, schema.fact_counts, rows)


def statement_rows(work: UnitOfWork) -> list[tuple[str, str, int, str, int]]:
    """Return issuer, month, number of the kind, event and count of every counter: some for each issuer and month."""
    return fetch(work, select(schema.statement_counts))


def fact_rows(work: UnitOfWork) -> list[tuple[str, str, str, int]]:
    """Return month, breakdown, word and count of every counter: some for each month."""
    return fetch(work, select(schema.fact_counts))


def statements(work: UnitOfWork) -> dict[StatementCount, int]:
    """Return every count of statements."""
    return {
        StatementCount(issuer, month, word(Kind, kind, "database", "kind"), event): count
        for issuer, month, kind, event, count in statement_rows(work)
    }


def facts(work: UnitOfWork) -> dict[FactCount, int]:
    """Return every count of facts."""
    return {FactCount(month, Breakdown(breakdown), said): count for month, breakdown, said, count in fact_rows(work)}
