"""Create the table of the map's blocks; `registry-server db upgrade` fills it afterwards, in many transactions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    place = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "map_blocks",
        sa.Column("place", place, autoincrement=False, nullable=False),
        sa.Column("block", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_map_blocks")),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Hashes cannot be compressed, and each block fits a page; room in it for the block's next version. The planner
        # keeps no samples of keys of persons (P4).
        op.execute("ALTER TABLE map_blocks ALTER COLUMN block SET STORAGE PLAIN, ALTER COLUMN block SET STATISTICS 0")
        op.execute("ALTER TABLE map_blocks SET (fillfactor = 70)")


def downgrade() -> None:
    op.drop_table("map_blocks")
