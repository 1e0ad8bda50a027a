"""Indexes for the pages that ask about few rows among very many."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STANDS = "current AND flagged AND retracted_at IS NULL"
STANDS_SQLITE = "current = 1 AND flagged = 1 AND retracted_at IS NULL"


def upgrade() -> None:
    """Bring the ledger to this revision."""
    op.create_index("event_by_kind", "event", ["kind", "id"])
    op.drop_index("ix_event_kind", "event")
    _of_some("delivery_confirming", "delivery", ["confirmation", "sent_at"], "confirmation")
    _of_some("screening_retracted", "screening", ["SeriesInstanceUID"], "retracted_at")
    op.create_index(
        "screening_flagged_at",
        "screening",
        ["analysed_at", "SeriesInstanceUID"],
        sqlite_where=sa.text(STANDS_SQLITE),
        postgresql_where=sa.text(STANDS),
    )


def downgrade() -> None:
    """Take the ledger back to the revision before."""
    op.drop_index("screening_flagged_at", "screening")
    op.drop_index("screening_retracted", "screening")
    op.drop_index("delivery_confirming", "delivery")
    op.create_index("ix_event_kind", "event", ["kind"])
    op.drop_index("event_by_kind", "event")


def _of_some(name: str, table: str, columns: list[str], there: str) -> None:
    holds = sa.text(f"{there} IS NOT NULL")
    op.create_index(name, table, columns, sqlite_where=holds, postgresql_where=holds)
