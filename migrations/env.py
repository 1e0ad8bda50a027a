"""Run by Alembic: apply the revisions on the connection that :mod:`daemon.schema` hands over."""

from alembic import context

from daemon.records import (
    decision_tables,  # noqa: F401
    people_tables,  # noqa: F401 - its tables are part of the schema
    process_tables,  # noqa: F401
    turnaround,  # noqa: F401
)
from daemon.records.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    # SQLite cannot alter a table in place; Alembic then copies it
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
