"""The tables of the program as each kind of database has them: on PostgreSQL inquiries lie in months."""

from __future__ import annotations

from sqlalchemy import MetaData, UniqueConstraint, make_url

from registry_server.storage import schema

__all__ = ["laid_out"]


def laid_out(url: str) -> MetaData:
    """The tables that a migrated database must have: a key of what lies in months holds when it was received."""
    wanted = MetaData(naming_convention=schema.metadata.naming_convention)
    for table in schema.metadata.tables.values():
        table.to_metadata(wanted)
    if make_url(url).get_backend_name() == "postgresql":
        inquiries = wanted.tables["inquiries"]
        for constraint in tuple(inquiries.constraints):
            if isinstance(constraint, UniqueConstraint):
                inquiries.constraints.discard(constraint)
        inquiries.append_constraint(UniqueConstraint("position", "received_at", name="uq_inquiries_position"))
    return wanted
