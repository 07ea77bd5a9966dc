"""Remember for whom a request has been used that a person signed."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import op
from creditregistry.v1 import check_pb2, facts_pb2, inquiry_pb2
from google.protobuf.message import DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SUBJECT_ACCESS = 6
PAGE = 1_024
INDEX = "ix_inquired_persons_request"


def upgrade() -> None:
    op.add_column("inquired_persons", sa.Column("request", sa.LargeBinary()))
    if op.get_bind().dialect.name == "postgresql":
        # Also of the partitions: the planner keeps no samples (P4).
        op.execute("ALTER TABLE inquired_persons ALTER COLUMN request SET STATISTICS 0")
        for (name,) in op.get_bind().execute(
            sa.text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'inquired_persons'::regclass")
        ):
            op.execute(f"ALTER TABLE {name} ALTER COLUMN request SET STATISTICS 0")
    fill()
    where = sa.text("request IS NOT NULL")
    op.create_index(INDEX, "inquired_persons", ["request"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index(INDEX, "inquired_persons")
    op.drop_column("inquired_persons", "request")


def fill() -> None:
    """Give the rows of inquiries that are still opened their requests, page by page."""
    persons = sa.table(
        "inquired_persons", *map(sa.column, ("received_at", "asker", "inquiry_id", "subject", "request"))
    )
    wanted = (
        sa.update(persons)
        # By it PostgreSQL finds the month in which the row lies.
        .where(persons.c.received_at == sa.bindparam("at"))
        .where(persons.c.asker == sa.bindparam("by"), persons.c.inquiry_id == sa.bindparam("its"))
        .where(persons.c.subject == sa.bindparam("whom"))
        .values(request=sa.bindparam("signed"))
    )
    for page in opened():
        if rows := [row for inquiry in page for row in requests_of(inquiry)]:
            op.get_bind().execute(wanted, rows)


def opened() -> Iterator[Sequence[sa.Row[Any]]]:
    """Yield the inquiries that are still opened, some at a time."""
    table = sa.table("inquiries", *map(sa.column, ("asker", "inquiry_id", "received_at", "payload", "opening")))
    key = sa.tuple_(table.c.asker, table.c.inquiry_id)
    query = sa.select(table).where(table.c.opening.is_not(None)).order_by(table.c.asker, table.c.inquiry_id).limit(PAGE)
    page = op.get_bind().execute(query).all()
    while page:
        yield page
        page = op.get_bind().execute(query.where(key > sa.tuple_(page[-1].asker, page[-1].inquiry_id))).all()


def requests_of(inquiry: sa.Row[Any]) -> Iterator[dict[str, object]]:
    """Yield what finds a row, and its request; what cannot be read is left out, as fsck says more of it."""
    try:
        if inquiry_pb2.Inquiry.FromString(inquiry.payload).purpose != SUBJECT_ACCESS:
            return
        opening = check_pb2.InquiryOpening.FromString(inquiry.opening)
        digest = facts_pb2.Consent.FromString(opening.consent).digest
    except DecodeError:
        return
    found = {"at": inquiry.received_at, "by": inquiry.asker, "its": inquiry.inquiry_id}
    for person in opening.persons:
        for pseudonym in person.pseudonyms:
            signed = request_hash(inquiry.asker, pseudonym.subject_key_version, digest)
            yield {**found, "whom": pseudonym.subject, "signed": signed}


def request_hash(asker: str, version: int, digest: bytes) -> bytes:
    name = asker.encode()
    parts = (b"creditregistry/request/v1\0", len(name).to_bytes(4, "big"), name, version.to_bytes(8, "big"), digest)
    return sha256(b"".join(parts)).digest()
