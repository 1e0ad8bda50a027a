"""Tokens for programs, and people who sign in by OpenID Connect."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the ledger to this revision."""
    op.add_column("person", sa.Column("federated", sa.String(length=64)))
    op.create_index("ix_person_federated", "person", ["federated"], unique=True)
    op.create_table(
        "token",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=64), nullable=False),
        sa.Column("right", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("used_at", sa.DateTime()),
        sa.ForeignKeyConstraint(["person"], ["person.name"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_token_person", "token", ["person"])


def downgrade() -> None:
    """Take the ledger back to the revision before."""
    op.drop_table("token")
    op.drop_index("ix_person_federated", "person")
    op.drop_column("person", "federated")
