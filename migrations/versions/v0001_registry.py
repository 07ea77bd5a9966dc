"""Create the registry's tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def place() -> sa.types.TypeEngine[int]:
    """A place in the log: the row's own number in SQLite, 8 bytes in PostgreSQL."""
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def raw(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def key(name: str) -> sa.Column[int]:
    return sa.Column(name, place(), autoincrement=False, nullable=False)


def upgrade() -> None:
    create_log()
    create_records()
    create_people_tables()
    create_blocked_debts()
    create_lost_bindings()
    create_counts()
    create_contributions()
    create_inquiries()
    create_alerts()
    create_notices()
    create_certificates()
    limit_samples()


def create_log() -> None:
    op.create_table(
        "head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        whole("size"),
        raw("frontier"),
        raw("leaf"),
        whole("logged_at"),
        raw("map_root"),
        whole("entry_count"),
        whole("newest_act"),
        whole("inquiry_count"),
        raw("inquiry_frontier"),
        whole("clock_reference"),
        whole("clock_line"),
        words("clock_boot"),
        whole("checkpoint_size"),
        raw("checkpoint"),
        sa.Column("clock_confirmed_at", sa.BigInteger()),
        sa.Column("destroying", sa.Boolean(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_head")),
    )
    op.create_table(
        "leaves", key("leaf_index"), raw("leaf"), sa.PrimaryKeyConstraint("leaf_index", name=op.f("pk_leaves"))
    )
    op.create_table(
        "tiles",
        words("tree"),
        small("level"),
        whole("tile_index"),
        raw("hashes"),
        sa.CheckConstraint("tree IN ('log', 'inquiry')", name=op.f("ck_tiles_tree_known")),
        sa.CheckConstraint("length(hashes) BETWEEN 32 AND 8192", name=op.f("ck_tiles_width")),
        sa.PrimaryKeyConstraint("tree", "level", "tile_index", name=op.f("pk_tiles")),
    )
    op.create_table("acts", key("number"), whole("leaf_index"), sa.PrimaryKeyConstraint("number", name=op.f("pk_acts")))


def create_records() -> None:
    op.create_table(
        "records",
        key("first_index"),
        words("issuer"),
        raw("record_id"),
        small("kind"),
        small("standing"),
        whole("version"),
        raw("payload_hash"),
        whole("leaf_index"),
        raw("leaf_hash"),
        whole("subject_key_version"),
        raw("subject_commitment"),
        words("retain_until"),
        words("transferee"),
        sa.Column("continues_issuer", sa.Text()),
        sa.Column("continues_record_id", sa.LargeBinary()),
        sa.Column("continued_by_issuer", sa.Text()),
        sa.Column("continued_by_record_id", sa.LargeBinary()),
        whole("changed_index"),
        sa.Column("erased", sa.Boolean(), nullable=False),
        whole("erased_index"),
        whole("annotation_number"),
        raw("annotation_payload_hash"),
        whole("annotation_index"),
        raw("annotation_hash"),
        raw("annotation_flags"),
        whole("annotation_chain"),
        whole("annotation_shown_from"),
        whole("waiting_from"),
        words("answer_due_on"),
        raw("text_commitment"),
        raw("text_disclosure_digest"),
        whole("disputed_since"),
        words("disputed_by"),
        sa.Column("disputed_jointly", sa.Boolean(), nullable=False),
        whole("answered_index"),
        small("dispute_outcome"),
        words("stated_by"),
        words("annotation_code"),
        words("annotation_overlay"),
        raw("annotation_documents"),
        sa.PrimaryKeyConstraint("first_index", name=op.f("pk_records")),
        sa.UniqueConstraint("issuer", "record_id", name=op.f("uq_records_issuer_record_id")),
    )
    op.create_index(op.f("ix_records_issuer_first_index"), "records", ["issuer", "first_index"])
    create_partial_index("ix_records_retain_until", "records", ["retain_until"], "retain_until <> '' AND NOT erased")
    create_partial_index("ix_records_answer_due_on", "records", ["answer_due_on"], "answer_due_on <> ''")
    create_partial_index("ix_records_annotation_overlay", "records", ["annotation_overlay"], "annotation_overlay <> ''")
    create_partial_index("ix_records_disputed_since", "records", ["disputed_since"], "disputed_since > 0")
    op.create_table(
        "versions",
        key("leaf_index"),
        whole("record"),
        whole("version"),
        sa.PrimaryKeyConstraint("leaf_index", name=op.f("pk_versions")),
        sa.UniqueConstraint("record", "version", name=op.f("uq_versions_record_version")),
    )
    op.create_table(
        "annotations",
        key("leaf_index"),
        whole("chain"),
        whole("number"),
        sa.PrimaryKeyConstraint("leaf_index", name=op.f("pk_annotations")),
        sa.UniqueConstraint("chain", "number", name=op.f("uq_annotations_chain_number")),
    )


def create_people_tables() -> None:
    op.create_table(
        "live_records",
        key("leaf_index"),
        whole("record"),
        words("issuer"),
        raw("record_id"),
        raw("subject"),
        whole("subject_key_version"),
        raw("opening"),
        raw("debt_ref"),
        small("kind"),
        small("standing"),
        raw("leaf_hash"),
        raw("facts_commitment"),
        whole("annotation_index"),
        raw("annotation_hash"),
        small("hidden"),
        raw("disclosure"),
        raw("text_disclosure"),
        sa.PrimaryKeyConstraint("leaf_index", name=op.f("pk_live_records")),
    )
    op.create_index(op.f("ix_live_records_subject_hidden"), "live_records", ["subject", "hidden"])
    op.create_table(
        "proposals",
        raw("proposal_id"),
        whole("number"),
        words("proposer"),
        raw("payload"),
        raw("approvals"),
        whole("proposed_at"),
        whole("lapses_at"),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_proposals")),
    )
    op.create_table(
        "replays",
        words("verifier_key"),
        whole("size"),
        whole("cosigned_at"),
        raw("note"),
        sa.PrimaryKeyConstraint("verifier_key", name=op.f("pk_replays")),
    )
    op.create_table(
        "quotas",
        words("institution"),
        words("what"),
        words("day"),
        whole("used"),
        sa.PrimaryKeyConstraint("institution", "what", "day", name=op.f("pk_quotas")),
    )


def create_counts() -> None:
    op.create_table(
        "statement_counts",
        words("issuer"),
        words("month"),
        small("kind"),
        words("event"),
        whole("statements"),
        sa.PrimaryKeyConstraint("issuer", "month", "kind", "event", name=op.f("pk_statement_counts")),
    )
    op.create_table(
        "fact_counts",
        words("month"),
        words("breakdown"),
        words("word"),
        whole("defaults"),
        sa.PrimaryKeyConstraint("month", "breakdown", "word", name=op.f("pk_fact_counts")),
    )
    op.create_table(
        "quality_counts",
        words("member"),
        words("month"),
        small("event"),
        words("rule"),
        whole("events"),
        sa.PrimaryKeyConstraint("member", "month", "event", "rule", name=op.f("pk_quality_counts")),
    )
    op.create_index(op.f("ix_quality_counts_month"), "quality_counts", ["month"])


def create_blocked_debts() -> None:
    op.create_table(
        "blocked_debts",
        raw("debt_hash"),
        whole("record"),
        whole("blocked_at"),
        words("reason"),
        words("removed_on"),
        sa.PrimaryKeyConstraint("debt_hash", "record", name=op.f("pk_blocked_debts")),
    )
    op.create_index(op.f("ix_blocked_debts_record"), "blocked_debts", ["record"])


def create_lost_bindings() -> None:
    op.create_table(
        "lost_bindings",
        key("leaf_index"),
        words("issuer"),
        sa.PrimaryKeyConstraint("leaf_index", name=op.f("pk_lost_bindings")),
    )


def create_contributions() -> None:
    op.create_table(
        "contributions",
        words("institution"),
        small("kind"),
        words("given_on"),
        sa.PrimaryKeyConstraint("institution", "kind", name=op.f("pk_contributions")),
    )


def create_inquiries() -> None:
    op.create_table(
        "inquiries",
        words("asker"),
        raw("inquiry_id"),
        whole("received_at"),
        words("outcome"),
        raw("payload"),
        raw("key_id"),
        raw("signature"),
        raw("leaf"),
        sa.Column("position", sa.BigInteger()),
        whole("subject_count"),
        sa.Column("opening", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("asker", "inquiry_id", name=op.f("pk_inquiries")),
        sa.UniqueConstraint("position", name=op.f("uq_inquiries_position")),
    )
    op.create_index(
        op.f("ix_inquiries_asker_received_at_inquiry_id"), "inquiries", ["asker", "received_at", "inquiry_id"]
    )
    create_partial_index("ix_inquiries_waiting", "inquiries", ["received_at"], "position IS NULL")
    op.create_table(
        "inquired_persons",
        raw("subject"),
        whole("received_at"),
        words("asker"),
        raw("inquiry_id"),
        whole("place"),
        sa.PrimaryKeyConstraint("subject", "received_at", "asker", "inquiry_id", name=op.f("pk_inquired_persons")),
    )
    op.create_index(op.f("ix_inquired_persons_received_at"), "inquired_persons", ["received_at"])


def create_alerts() -> None:
    op.create_table(
        "watched_persons",
        raw("subject"),
        words("member"),
        raw("inquiry_id"),
        words("until"),
        sa.PrimaryKeyConstraint("subject", "member", "inquiry_id", name=op.f("pk_watched_persons")),
    )
    op.create_index(op.f("ix_watched_persons_member_inquiry_id"), "watched_persons", ["member", "inquiry_id"])
    op.create_table(
        "alerts",
        words("member"),
        raw("alert_id"),
        raw("inquiry_id"),
        small("reason"),
        whole("happened_at"),
        sa.PrimaryKeyConstraint("member", "alert_id", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_member_happened_at"), "alerts", ["member", "happened_at"])
    op.create_index(op.f("ix_alerts_happened_at"), "alerts", ["happened_at"])


def create_notices() -> None:
    op.create_table(
        "shown",
        whole("record"),
        words("asker"),
        whole("leaf_index"),
        raw("inquiry_id"),
        whole("asked_at"),
        sa.PrimaryKeyConstraint("record", "asker", name=op.f("pk_shown")),
    )
    op.create_index(op.f("ix_shown_asked_at"), "shown", ["asked_at"])
    op.create_table(
        "notices",
        words("member"),
        whole("leaf_index"),
        whole("record"),
        small("reason"),
        raw("inquiry_id"),
        whole("asked_at"),
        whole("shown_index"),
        whole("acknowledged_index"),
        raw("opening"),
        sa.PrimaryKeyConstraint("member", "leaf_index", name=op.f("pk_notices")),
    )
    op.create_index(op.f("ix_notices_record"), "notices", ["record"])
    op.create_index(op.f("ix_notices_asked_at"), "notices", ["asked_at"])
    create_partial_index("ix_notices_waiting", "notices", ["member", "leaf_index"], "acknowledged_index = 0")


def create_certificates() -> None:
    op.create_table(
        "tls_keys",
        words("institution"),
        raw("spki_hash"),
        whole("change"),
        raw("vouch"),
        raw("vouching_key_id"),
        whole("vouched_at"),
        whole("first_issued_at"),
        whole("last_issued_at"),
        whole("revoked_at"),
        raw("revocation"),
        sa.PrimaryKeyConstraint("institution", "spki_hash", name=op.f("pk_tls_keys")),
        sa.UniqueConstraint("change", name=op.f("uq_tls_keys_change")),
    )
    op.create_table(
        "certificates",
        raw("vouch_hash"),
        words("institution"),
        raw("spki_hash"),
        whole("issued_at"),
        whole("not_after"),
        raw("vouching_key_id"),
        words("carried_by"),
        raw("certificate"),
        sa.PrimaryKeyConstraint("vouch_hash", name=op.f("pk_certificates")),
    )
    op.create_index(op.f("ix_certificates_institution_issued_at"), "certificates", ["institution", "issued_at"])


def create_partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(op.f(name), table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


# PostgreSQL keeps samples of each column's values for its planner, and they outlive what is deleted (P4): none of what
# opens or seals, and of the pseudonym, by which rows are found, as few as there can be; each purge draws them anew.
SAMPLES = {
    "live_records": {
        "subject": 1,
        "opening": 0,
        "debt_ref": 0,
        "facts_commitment": 0,
        "disclosure": 0,
        "text_disclosure": 0,
    },
    "inquiries": {"opening": 0},
    "notices": {"opening": 0, "inquiry_id": 0},
    "shown": {"inquiry_id": 0},
    "watched_persons": {"subject": 1, "inquiry_id": 0},
    "alerts": {"inquiry_id": 0},
}


def limit_samples() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, columns in SAMPLES.items():
            for column, target in columns.items():
                op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS {target}")


def downgrade() -> None:
    for table in (
        "certificates",
        "tls_keys",
        "alerts",
        "watched_persons",
        "notices",
        "shown",
        "inquired_persons",
        "inquiries",
        "quotas",
        "replays",
        "quality_counts",
        "fact_counts",
        "statement_counts",
        "contributions",
        "lost_bindings",
        "blocked_debts",
        "proposals",
        "live_records",
        "annotations",
        "versions",
        "records",
        "acts",
        "tiles",
        "leaves",
        "head",
    ):
        op.drop_table(table)
