"""Series found by keyed hashes of Patient ID and Accession Number."""

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


def downgrade() -> None:
    """Take the ledger back to the revision before."""
    for name, column in INDEXES.items():
        op.drop_index(name, "series")
        op.drop_column("series", column)
