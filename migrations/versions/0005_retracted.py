"""Results that people took back."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the ledger to this revision."""
    op.add_column("screening", sa.Column("retracted_at", sa.DateTime()))
    op.add_column("screening", sa.Column("retracted_why", sa.String()))


def downgrade() -> None:
    """Take the ledger back to the revision before."""
    op.drop_column("screening", "retracted_why")
    op.drop_column("screening", "retracted_at")
