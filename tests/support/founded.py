"""Databases that begin with a founded registry whose members are enrolled, as a copy of the rows of the first one.

Founding and enrolment of the same members take the same bytes to every database, and took a third of the time of a
test with a registry. They are done by the registry's own code once a process; further databases get those rows, and
their checkpoint register the same checkpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import insert, select

from registry_server.storage import schema

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from client_sdk.kernel.formats.checkpoint import Checkpoint
    from registry_server.storage.register import Register
    from registry_server.storage.unit_of_work import Database

__all__ = ["begin"]


class _Founded(NamedTuple):
    """What a database and its register hold."""

    tables: Mapping[str, list[dict[str, object]]]
    checkpoint: Checkpoint


_founded: dict[Hashable, _Founded] = {}


def begin(key: Hashable, database: Database, register: Register, found: Callable[[], None]) -> None:
    """Have a migrated, empty database hold a founded registry.

    Args:
        key: equal where founding leads to the same rows.
        database: of the registry.
        register: of its log, which there is not yet.
        found: founds the registry and enrols its members.
    """
    if key in _founded:
        _write(_founded[key], database, register)
        return
    found()
    checkpoint = register.read()
    assert checkpoint is not None
    _founded[key] = _Founded(_read(database), checkpoint)


def _read(database: Database) -> dict[str, list[dict[str, object]]]:
    with database.snapshot() as work:
        found = {
            table.name: [dict(row) for row in work.connection.execute(select(table)).mappings()]
            for table in schema.metadata.sorted_tables
        }
    return {name: rows for name, rows in found.items() if rows}


def _write(founded: _Founded, database: Database, register: Register) -> None:
    with database.append() as work:
        for name, rows in founded.tables.items():
            work.connection.execute(insert(schema.metadata.tables[name]), rows)
        work.commit()
    assert register.create(founded.checkpoint) == founded.checkpoint
