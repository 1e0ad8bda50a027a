"""Own AE titles with rules of their own, by which of them a series came, and reveals."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the ledger to this revision."""
    op.add_column("series", sa.Column("called_aet", sa.String(length=16)))
    op.create_table(
        "own_title",
        sa.Column("aet", sa.String(length=16), nullable=False),
        sa.Column("purpose", sa.String(length=200), nullable=False),
        sa.Column("models", sa.JSON(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("min_age_years", sa.Integer()),
        sa.Column("accept_derived_primary", sa.Boolean()),
        sa.Column("removed_at", sa.DateTime()),
        sa.PrimaryKeyConstraint("aet"),
    )
    op.create_table(
        "reveal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("weights_sha256", sa.String(length=64), nullable=False),
        sa.Column("report", sa.String(), nullable=False),
        sa.Column("report_sha256", sa.String(length=64), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("person", sa.String(length=128), nullable=False),
        sa.Column("given_by", sa.String(length=64), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_reveal_model", "reveal", ["model"])


def downgrade() -> None:
    """Take the ledger back to the revision before."""
    op.drop_table("reveal")
    op.drop_table("own_title")
    op.drop_column("series", "called_aet")
