"""The first ledger: who may call, what came, what was found, what was sent, and why."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "event",
    "performed_series",
    "procedure_step",
    "commitment_object",
    "commitment",
    "delivery",
    "result_object",
    "screening",
    "aside",
    "instance",
    "series",
    "model_stage",
    "peer",
    "installation",
)


def upgrade() -> None:
    """Bring the ledger to this revision."""
    _configuration()
    _arrivals()
    _asides()
    _results()
    _history()
    _commitments()
    _procedures()


def downgrade() -> None:
    """Take the ledger back to nothing."""
    for table in TABLES:
        op.drop_table(table)


def _configuration() -> None:
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("namespace", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "peer",
        sa.Column("aet", sa.String(length=16), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("sends", sa.Boolean(), nullable=False),
        sa.Column("results", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("sr_class", sa.String(length=64), nullable=False),
        sa.Column("tls", sa.Boolean(), nullable=False),
        sa.Column("tls_fingerprint", sa.String(length=64), nullable=False),
        sa.Column("tls_named", sa.Boolean(), nullable=False),
        sa.Column("bound", sa.Boolean(), nullable=False),
        sa.Column("commits", sa.Boolean(), nullable=False),
        sa.Column("answers_find", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("aet"),
    )
    op.create_table(
        "model_stage",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("model"),
    )


def _arrivals() -> None:
    op.create_table(
        "series",
        sa.Column("SeriesInstanceUID", sa.String(length=64), nullable=False),
        sa.Column("StudyInstanceUID", sa.String(length=64), nullable=False),
        sa.Column("modality", sa.String(), nullable=False),
        sa.Column("exam", sa.String()),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String()),
        sa.Column("detail", sa.String()),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("expected_images", sa.Integer()),
        sa.Column("counted_at", sa.DateTime()),
        sa.Column("first_at", sa.DateTime(), nullable=False),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.Column("last_at", sa.DateTime(), nullable=False),
        sa.Column("queued_at", sa.DateTime()),
        sa.Column("rung_at", sa.DateTime()),
        sa.Column("ended_at", sa.DateTime()),
        sa.Column("purged_at", sa.DateTime()),
        sa.Column("lease_owner", sa.String()),
        sa.Column("lease_beat", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("appraisal", sa.JSON()),
        sa.PrimaryKeyConstraint("SeriesInstanceUID"),
    )
    op.create_index("ix_series_StudyInstanceUID", "series", ["StudyInstanceUID"])
    op.create_index("series_by_state", "series", ["state", "last_at"])
    kept = sa.text("purged_at IS NULL")
    op.create_index(
        "series_kept", "series", ["state", "ended_at"], sqlite_where=kept, postgresql_where=kept
    )
    op.create_table(
        "instance",
        sa.Column("SOPInstanceUID", sa.String(length=64), nullable=False),
        sa.Column("SOPClassUID", sa.String(length=64), nullable=False),
        sa.Column("SeriesInstanceUID", sa.String(length=64), nullable=False),
        sa.Column("TransferSyntaxUID", sa.String(length=64), nullable=False),
        sa.Column("calling_aet", sa.String(length=16), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("purged_by", sa.String(length=32)),
        sa.Column("purged_at", sa.DateTime()),
        sa.ForeignKeyConstraint(
            ["SeriesInstanceUID"],
            ["series.SeriesInstanceUID"],
        ),
        sa.PrimaryKeyConstraint("SOPInstanceUID"),
    )
    op.create_index("ix_instance_SeriesInstanceUID", "instance", ["SeriesInstanceUID"])
    _index_to_purge("instance")


def _asides() -> None:
    op.create_table(
        "aside",
        sa.Column("file", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("calling_aet", sa.String(length=16), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("purged_by", sa.String(length=32)),
        sa.Column("purged_at", sa.DateTime()),
        sa.PrimaryKeyConstraint("file"),
    )
    _index_to_purge("aside")


def _results() -> None:
    op.create_table(
        "screening",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("SeriesInstanceUID", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("weights_sha256", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String()),
        sa.Column("detail", sa.String()),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("analysed_at", sa.DateTime(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["SeriesInstanceUID"],
            ["series.SeriesInstanceUID"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("SeriesInstanceUID", "model", "key"),
    )
    op.create_index("ix_screening_SeriesInstanceUID", "screening", ["SeriesInstanceUID"])
    op.create_index("ix_screening_current", "screening", ["current"])
    op.create_table(
        "result_object",
        sa.Column("SOPInstanceUID", sa.String(length=64), nullable=False),
        sa.Column("SOPClassUID", sa.String(length=64), nullable=False),
        sa.Column("SeriesInstanceUID", sa.String(length=64), nullable=False),
        sa.Column("screening_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("purged_by", sa.String(length=32)),
        sa.Column("purged_at", sa.DateTime()),
        sa.ForeignKeyConstraint(
            ["screening_id"],
            ["screening.id"],
        ),
        sa.PrimaryKeyConstraint("SOPInstanceUID"),
    )
    op.create_index("ix_result_object_screening_id", "result_object", ["screening_id"])
    _index_to_purge("result_object")


def _history() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("screening_id", sa.Integer(), nullable=False),
        sa.Column("SOPInstanceUID", sa.String(length=64), nullable=False),
        sa.Column("aet", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("detail", sa.String()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime()),
        sa.Column("rung_at", sa.DateTime(), nullable=False),
        sa.Column("lease_owner", sa.String()),
        sa.Column("lease_beat", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime()),
        sa.Column("sent_at", sa.DateTime()),
        sa.Column("confirmation", sa.String()),
        sa.Column("confirm_at", sa.DateTime()),
        sa.Column("confirm_attempts", sa.Integer(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime()),
        sa.Column("resends", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["SOPInstanceUID"],
            ["result_object.SOPInstanceUID"],
        ),
        sa.ForeignKeyConstraint(
            ["screening_id"],
            ["screening.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("SOPInstanceUID", "aet"),
    )
    op.create_index("delivery_by_state", "delivery", ["state", "due_at"])
    op.create_index("ix_delivery_screening_id", "delivery", ["screening_id"])
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("SeriesInstanceUID", sa.String(length=64)),
        sa.Column("aet", sa.String(length=16)),
        sa.Column("reason", sa.String()),
        sa.Column("detail", sa.String()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_event_SeriesInstanceUID", "event", ["SeriesInstanceUID"])
    op.create_index("ix_event_at", "event", ["at"])
    op.create_index("ix_event_kind", "event", ["kind"])


def _commitments() -> None:
    op.create_table(
        "commitment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("by_us", sa.Boolean(), nullable=False),
        sa.Column("aet", sa.String(length=16), nullable=False),
        sa.Column("TransactionUID", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("detail", sa.String()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime()),
        sa.Column("lease_owner", sa.String()),
        sa.Column("lease_until", sa.DateTime()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("by_us", "aet", "TransactionUID"),
    )
    op.create_index("commitment_by_state", "commitment", ["state", "due_at"])
    op.create_table(
        "commitment_object",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("commitment_id", sa.Integer(), nullable=False),
        sa.Column("SOPClassUID", sa.String(length=64), nullable=False),
        sa.Column("SOPInstanceUID", sa.String(length=64), nullable=False),
        sa.Column("failure", sa.Integer()),
        sa.ForeignKeyConstraint(
            ["commitment_id"],
            ["commitment.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_commitment_object_commitment_id", "commitment_object", ["commitment_id"])
    op.create_index("ix_commitment_object_SOPInstanceUID", "commitment_object", ["SOPInstanceUID"])


def _procedures() -> None:
    op.create_table(
        "procedure_step",
        sa.Column("SOPInstanceUID", sa.String(length=64), nullable=False),
        sa.Column("aet", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("begun_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime()),
        sa.PrimaryKeyConstraint("SOPInstanceUID"),
    )
    op.create_table(
        "performed_series",
        sa.Column("step_uid", sa.String(length=64), nullable=False),
        sa.Column("SeriesInstanceUID", sa.String(length=64), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["step_uid"],
            ["procedure_step.SOPInstanceUID"],
        ),
        sa.PrimaryKeyConstraint("step_uid", "SeriesInstanceUID"),
    )
    op.create_index(
        "ix_performed_series_SeriesInstanceUID", "performed_series", ["SeriesInstanceUID"]
    )


def _index_to_purge(table: str) -> None:
    unfinished = sa.text("purged_by IS NOT NULL AND purged_at IS NULL")
    op.create_index(
        f"{table}_to_purge",
        table,
        ["purged_by"],
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )
