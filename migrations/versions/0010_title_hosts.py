"""At which address alone one of our AE titles is answered."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the ledger to this revision."""
    op.add_column("own_title", sa.Column("host", sa.String(), nullable=True))


def downgrade() -> None:
    """Take the ledger back to the revision before."""
    op.drop_column("own_title", "host")
