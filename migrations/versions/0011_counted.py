"""Indexes that hold what is counted of very many rows, and find the few that have a reason."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

WIDER = {
    "series_by_state": ("series", ["state", "last_at"], ["reason", "images"]),
    "series_by_first": (
        "series",
        ["first_at"],
        ["state", "reason", "exam", "StudyInstanceUID", "SeriesInstanceUID"],
    ),
    "delivery_by_state": ("delivery", ["state", "due_at"], ["confirmation"]),
}
OF_SOME = {
    "series_by_reason": ("series", ["reason", "first_at"], "reason IS NOT NULL"),
    "screening_failed": ("screening", ["SeriesInstanceUID"], "state = 'failed'"),
}


def upgrade() -> None:
    """Bring the ledger to this revision."""
    for name, (table, columns, more) in WIDER.items():
        op.drop_index(name, table)
        op.create_index(name, table, [*columns, *more])
    for name, (table, columns, condition) in OF_SOME.items():
        holds = sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=holds, postgresql_where=holds)


def downgrade() -> None:
    """Take the ledger back to the revision before."""
    for name, (table, _, _) in OF_SOME.items():
        op.drop_index(name, table)
    for name, (table, columns, _) in WIDER.items():
        op.drop_index(name, table)
        op.create_index(name, table, columns)
