"""The roll of processes, and what a program has to know; how long results took, counted."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UPTO_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400, 1e9)


def upgrade() -> None:
    """Bring the ledger to this revision."""
    op.add_column("installation", sa.Column("least_revision", sa.String(length=4)))
    op.create_table(
        "process",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("part", sa.String(length=16), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("knows", sa.String(length=4), nullable=False),
        sa.Column("needs", sa.String(length=4), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("beat", sa.Integer(), nullable=False),
        sa.Column("beat_at", sa.DateTime(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    times = op.create_table(
        "turnaround",
        sa.Column("upto_s", sa.Double(), nullable=False),
        sa.Column("results", sa.BigInteger(), nullable=False),
        sa.Column("total_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("upto_s"),
    )
    op.bulk_insert(times, [{"upto_s": one, "results": 0, "total_s": 0.0} for one in UPTO_S])


def downgrade() -> None:
    """Take the ledger back to the revision before."""
    op.drop_table("turnaround")
    op.drop_table("process")
    op.drop_column("installation", "least_revision")
