"""The tables. Their columns and retention implement P3 and P4.

Kept for ever, and about no identifiable person:
leaves, tiles, records, versions, annotations, acts, inquiries without their openings,
TLS keys of members and the certificates issued for them, and counts of statements and of what DEFAULTs say.
Deleted with the record or the inquiry that it belongs to: live_records, what map_blocks hold of it, shown, notices,
inquired_persons, and the column ``inquiries.opening``. Deleted when alerts end or are stored by their member:
watched_persons, alerts. A blocked debt outlives the record that was withdrawn, by the rulebook's years at most.

A record is stored by the index of its first leaf, which grows with time and never changes: random ids are looked up
through one index and never order a table. There are no foreign keys between record tables, so that they can be moved
apart. On PostgreSQL inquiries and inquired_persons lie in months (``months``), and their keys hold ``received_at``.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

__all__ = [
    "FORGOTTEN_FROM",
    "INQUIRY_TREE",
    "LOG_TREE",
    "acts",
    "alerts",
    "annotation_links",
    "blocked_debts",
    "certificates",
    "fact_counts",
    "head",
    "inquired_persons",
    "inquiries",
    "leaves",
    "live_records",
    "lost_bindings",
    "map_blocks",
    "metadata",
    "notices",
    "proposals",
    "quality_counts",
    "quotas",
    "records",
    "replays",
    "shown",
    "statement_counts",
    "tiles",
    "tls_keys",
    "versions",
    "watched_persons",
]

# Values of tiles.tree.
LOG_TREE = "log"
INQUIRY_TREE = "inquiry"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)


# INTEGER PRIMARY KEY is the row's own place in SQLite; BIGINT would be a second index beside it.
_PLACE = BigInteger().with_variant(Integer, "sqlite")


def _place(name: str) -> Column[int]:
    """Return a primary key that is a place in the log and never drawn from a sequence."""
    return Column(name, _PLACE, primary_key=True, autoincrement=False)


head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("logged_at", BigInteger, nullable=False),
    Column("map_root", LargeBinary, nullable=False),
    Column("entry_count", BigInteger, nullable=False),
    Column("newest_act", BigInteger, nullable=False),
    Column("inquiry_count", BigInteger, nullable=False),
    Column("inquiry_frontier", LargeBinary, nullable=False),
    Column("clock_reference", BigInteger, nullable=False),
    Column("clock_line", BigInteger, nullable=False),
    Column("clock_boot", Text, nullable=False),
    Column("checkpoint_size", BigInteger, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
    Column("clock_confirmed_at", BigInteger),
    Column("destroying", Boolean, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

leaves = Table("leaves", metadata, _place("leaf_index"), Column("leaf", LargeBinary, nullable=False))

tiles = Table(
    "tiles",
    metadata,
    Column("tree", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("tile_index", BigInteger, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tree", "level", "tile_index"),
    CheckConstraint("tree IN ('log', 'inquiry')", name="tree_known"),
    CheckConstraint("length(hashes) BETWEEN 32 AND 8192", name="width"),
)

records = Table(
    "records",
    metadata,
    _place("first_index"),
    Column("issuer", Text, nullable=False),
    Column("record_id", LargeBinary, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("standing", Integer, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("payload_hash", LargeBinary, nullable=False),
    Column("leaf_index", BigInteger, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("subject_key_version", BigInteger, nullable=False),
    Column("subject_commitment", LargeBinary, nullable=False),
    Column("retain_until", Text, nullable=False),
    Column("transferee", Text, nullable=False),
    Column("continues_issuer", Text),
    Column("continues_record_id", LargeBinary),
    Column("continued_by_issuer", Text),
    Column("continued_by_record_id", LargeBinary),
    Column("changed_index", BigInteger, nullable=False),
    Column("erased", Boolean, nullable=False),
    # Index of the leaf that erased it; 0 for none.
    Column("erased_index", BigInteger, nullable=False),
    Column("annotation_number", BigInteger, nullable=False),
    Column("annotation_payload_hash", LargeBinary, nullable=False),
    Column("annotation_index", BigInteger, nullable=False),
    Column("annotation_hash", LargeBinary, nullable=False),
    Column("annotation_flags", LargeBinary, nullable=False),
    Column("annotation_chain", BigInteger, nullable=False),
    Column("annotation_shown_from", BigInteger, nullable=False),
    Column("waiting_from", BigInteger, nullable=False),
    Column("answer_due_on", Text, nullable=False),
    Column("text_commitment", LargeBinary, nullable=False),
    Column("text_disclosure_digest", LargeBinary, nullable=False),
    Column("disputed_since", BigInteger, nullable=False),
    Column("disputed_by", Text, nullable=False),
    Column("disputed_jointly", Boolean, nullable=False),
    Column("answered_index", BigInteger, nullable=False),
    Column("dispute_outcome", Integer, nullable=False),
    Column("stated_by", Text, nullable=False),
    Column("annotation_code", Text, nullable=False),
    # Under which the record is hidden; empty for none.
    Column("annotation_overlay", Text, nullable=False),
    Column("annotation_documents", LargeBinary, nullable=False),
    UniqueConstraint("issuer", "record_id"),
)

# An issuer's records in order, page by page.
Index(None, records.c.issuer, records.c.first_index)
# What the clock will end: few rows of each, found without a scan.
Index(
    "ix_records_retain_until",
    records.c.retain_until,
    sqlite_where=text("retain_until <> '' AND NOT erased"),
    postgresql_where=text("retain_until <> '' AND NOT erased"),
)
Index(
    "ix_records_answer_due_on",
    records.c.answer_due_on,
    sqlite_where=text("answer_due_on <> ''"),
    postgresql_where=text("answer_due_on <> ''"),
)

Index(
    "ix_records_annotation_overlay",
    records.c.annotation_overlay,
    sqlite_where=text("annotation_overlay <> ''"),
    postgresql_where=text("annotation_overlay <> ''"),
)

Index(
    "ix_records_disputed_since",
    records.c.disputed_since,
    sqlite_where=text("disputed_since > 0"),
    postgresql_where=text("disputed_since > 0"),
)

versions = Table(
    "versions",
    metadata,
    _place("leaf_index"),
    Column("record", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    UniqueConstraint("record", "version"),
)

annotation_links = Table(
    "annotations",
    metadata,
    _place("leaf_index"),
    Column("chain", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    UniqueConstraint("chain", "number"),
)

live_records = Table(
    "live_records",
    metadata,
    _place("leaf_index"),
    Column("record", BigInteger, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("record_id", LargeBinary, nullable=False),
    Column("subject", LargeBinary, nullable=False),
    Column("subject_key_version", BigInteger, nullable=False),
    Column("opening", LargeBinary, nullable=False),
    Column("debt_ref", LargeBinary, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("standing", Integer, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("facts_commitment", LargeBinary, nullable=False),
    Column("annotation_index", BigInteger, nullable=False),
    Column("annotation_hash", LargeBinary, nullable=False),
    # 1 where an overlay keeps the record out of the map, else 0.
    Column("hidden", Integer, nullable=False),
    Column("disclosure", LargeBinary, nullable=False),
    Column("text_disclosure", LargeBinary, nullable=False),
    Index(None, "subject", "hidden"),
)

# The map's tree, made of live_records and the directory: what is in it of a record goes with that record.
map_blocks = Table("map_blocks", metadata, _place("place"), Column("block", LargeBinary, nullable=False))

acts = Table(
    "acts",
    metadata,
    _place("number"),
    Column("leaf_index", BigInteger, nullable=False),
)

proposals = Table(
    "proposals",
    metadata,
    Column("proposal_id", LargeBinary, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("proposer", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("approvals", LargeBinary, nullable=False),
    Column("proposed_at", BigInteger, nullable=False),
    Column("lapses_at", BigInteger, nullable=False),
)

inquiries = Table(
    "inquiries",
    metadata,
    Column("asker", Text, nullable=False),
    Column("inquiry_id", LargeBinary, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("key_id", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("position", BigInteger),
    Column("subject_count", BigInteger, nullable=False),
    Column("opening", LargeBinary),
    PrimaryKeyConstraint("asker", "inquiry_id"),
    UniqueConstraint("position"),
    Index(None, "asker", "received_at", "inquiry_id"),
)

# Those that wait for the next HEAD.
Index(
    "ix_inquiries_waiting",
    inquiries.c.received_at,
    sqlite_where=inquiries.c.position.is_(None),
    postgresql_where=inquiries.c.position.is_(None),
)

# Who was answered with which record.
shown = Table(
    "shown",
    metadata,
    Column("record", BigInteger, nullable=False),
    Column("asker", Text, nullable=False),
    Column("leaf_index", BigInteger, nullable=False),
    Column("inquiry_id", LargeBinary, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("record", "asker"),
    Index(None, "asked_at"),
)

notices = Table(
    "notices",
    metadata,
    Column("member", Text, nullable=False),
    Column("leaf_index", BigInteger, nullable=False),
    Column("record", BigInteger, nullable=False),
    Column("reason", Integer, nullable=False),
    Column("inquiry_id", LargeBinary, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("shown_index", BigInteger, nullable=False),
    Column("acknowledged_index", BigInteger, nullable=False),
    Column("opening", LargeBinary, nullable=False),
    PrimaryKeyConstraint("member", "leaf_index"),
    Index(None, "record"),
    Index(None, "asked_at"),
)

# Those that wait for an acknowledgement.
Index(
    "ix_notices_waiting",
    notices.c.member,
    notices.c.leaf_index,
    sqlite_where=text("acknowledged_index = 0"),
    postgresql_where=text("acknowledged_index = 0"),
)

# Who was asked about by which answered inquiry, by pseudonym: for the person's own report.
inquired_persons = Table(
    "inquired_persons",
    metadata,
    Column("subject", LargeBinary, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("asker", Text, nullable=False),
    Column("inquiry_id", LargeBinary, nullable=False),
    Column("place", BigInteger, nullable=False),
    Column("request", LargeBinary),
    PrimaryKeyConstraint("subject", "received_at", "asker", "inquiry_id"),
    Index(None, "received_at"),
)

# For whom a request has been used that a person signed.
_SIGNED = inquired_persons.c.request.is_not(None)
Index("ix_inquired_persons_request", inquired_persons.c.request, sqlite_where=_SIGNED, postgresql_where=_SIGNED)

# About whom members are to be alerted, by pseudonym.
watched_persons = Table(
    "watched_persons",
    metadata,
    Column("subject", LargeBinary, nullable=False),
    Column("member", Text, nullable=False),
    Column("inquiry_id", LargeBinary, nullable=False),
    Column("until", Text, nullable=False),
    PrimaryKeyConstraint("subject", "member", "inquiry_id"),
    Index(None, "member", "inquiry_id"),
)

# Alerts that wait until the member has stored them.
alerts = Table(
    "alerts",
    metadata,
    Column("member", Text, nullable=False),
    Column("alert_id", LargeBinary, nullable=False),
    Column("inquiry_id", LargeBinary, nullable=False),
    Column("reason", Integer, nullable=False),
    Column("happened_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("member", "alert_id"),
    Index(None, "member", "happened_at"),
    Index(None, "happened_at"),
)

quotas = Table(
    "quotas",
    metadata,
    Column("institution", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("used", BigInteger, nullable=False),
    PrimaryKeyConstraint("institution", "what", "day"),
)

# How many statements were logged, by what the log carries in clear; for statistics (kernel/ledger/statistics.py).
statement_counts = Table(
    "statement_counts",
    metadata,
    Column("issuer", Text, nullable=False),
    Column("month", Text, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("event", Text, nullable=False),
    Column("statements", BigInteger, nullable=False),
    PrimaryKeyConstraint("issuer", "month", "kind", "event"),
)

# How many DEFAULTs were opened or cured, by a word of their sealed facts, over all issuers.
fact_counts = Table(
    "fact_counts",
    metadata,
    Column("month", Text, nullable=False),
    Column("breakdown", Text, nullable=False),
    Column("word", Text, nullable=False),
    Column("defaults", BigInteger, nullable=False),
    PrimaryKeyConstraint("month", "breakdown", "word"),
)

# What was right and wrong with what a member reported (kernel/ledger/quality.py). The rule is that of a refusal.
quality_counts = Table(
    "quality_counts",
    metadata,
    Column("member", Text, nullable=False),
    Column("month", Text, nullable=False),
    Column("event", Integer, nullable=False),
    Column("rule", Text, nullable=False),
    Column("events", BigInteger, nullable=False),
    PrimaryKeyConstraint("member", "month", "event", "rule"),
)
Index(None, quality_counts.c.month)

# The newest day on which a lender gave a kind of record.
contributions = Table(
    "contributions",
    metadata,
    Column("institution", Text, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("given_on", Text, nullable=False),
    PrimaryKeyConstraint("institution", "kind"),
)

blocked_debts = Table(
    "blocked_debts",
    metadata,
    # More than one record of a debt may have been withdrawn; each blocks it by itself.
    Column("debt_hash", LargeBinary, nullable=False),
    Column("record", BigInteger, nullable=False),
    Column("blocked_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("removed_on", Text, nullable=False),
    PrimaryKeyConstraint("debt_hash", "record"),
    Index(None, "record"),
)

# Live records whose rows a restore has not brought back, by the leaf of their newest version (storage/lost.py).
lost_bindings = Table(
    "lost_bindings",
    metadata,
    _place("leaf_index"),
    Column("issuer", Text, nullable=False),
)

# The newest checkpoint that each auditor which rebuilds the log has cosigned, by its key.
replays = Table(
    "replays",
    metadata,
    Column("verifier_key", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("cosigned_at", BigInteger, nullable=False),
    Column("note", LargeBinary, nullable=False),
)

tls_keys = Table(
    "tls_keys",
    metadata,
    Column("institution", Text, nullable=False),
    Column("spki_hash", LargeBinary, nullable=False),
    # Grows with each change of a row, so that processes find what others have changed.
    Column("change", BigInteger, nullable=False),
    Column("vouch", LargeBinary, nullable=False),
    Column("vouching_key_id", LargeBinary, nullable=False),
    Column("vouched_at", BigInteger, nullable=False),
    Column("first_issued_at", BigInteger, nullable=False),
    Column("last_issued_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger, nullable=False),
    Column("revocation", LargeBinary, nullable=False),
    PrimaryKeyConstraint("institution", "spki_hash"),
    UniqueConstraint("change"),
)

certificates = Table(
    "certificates",
    metadata,
    Column("vouch_hash", LargeBinary, primary_key=True),
    Column("institution", Text, nullable=False),
    Column("spki_hash", LargeBinary, nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("not_after", BigInteger, nullable=False),
    Column("vouching_key_id", LargeBinary, nullable=False),
    Column("carried_by", Text, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Index(None, "institution", "issued_at"),
)

# What tells anything about persons is deleted from these: their files must hold nothing of it either.
FORGOTTEN_FROM = (
    *(live_records, map_blocks, inquiries, inquired_persons, shown, notices),
    *(blocked_debts, watched_persons, alerts),
)
