"""Series found by keyed hashes of Patient ID and Accession Number; flagged ones by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INDEXES = {"series_by_patient": "patient_key", "series_by_accession": "accession_key"}


def upgrade() -> None:
    """Bring the ledger to this revision."""
    for name, column in INDEXES.items():
        op.add_column("series", sa.Column(column, sa.String(length=32)))
        filled = sa.text(f"{column} IS NOT NULL")
        columns = [column, "first_at"]
        op.create_index(name, "series", columns, sqlite_where=filled, postgresql_where=filled)
    op.drop_index("ix_screening_current", "screening")
    op.create_index(
        "screening_flagged",
        "screening",
        ["SeriesInstanceUID"],
        sqlite_where=sa.text("current = 1 AND flagged = 1"),
        postgresql_where=sa.text("current AND flagged"),
    )


def downgrade() -> None:
    """Take the ledger back to the revision before."""
    op.drop_index("screening_flagged", "screening")
    op.create_index("ix_screening_current", "screening", ["current"])
    for name, column in INDEXES.items():
        op.drop_index(name, "series")
        op.drop_column("series", column)
