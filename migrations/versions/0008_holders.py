"""On which host the bytes of an object lie; an older program leaves it empty, as one host does."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = ("series", "instance", "aside", "result_object")


def upgrade() -> None:
    """Bring the ledger to this revision."""
    for table in TABLES:
        # a default of the server's own: no row is rewritten, and who does not know it may insert
        op.add_column(table, sa.Column("holder", sa.String(64), nullable=False, server_default=""))


def downgrade() -> None:
    """Take the ledger back to the revision before."""
    for table in TABLES:
        op.drop_column(table, "holder")
