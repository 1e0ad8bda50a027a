"""A newer version of osteoscreen: this one, with two more revisions of the ledger."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from peers import QUICK

from daemon import revisions

ROOT = Path(__file__).parents[1]
OURS = revisions.newest()

ADDS = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9001", "{ours}"


def upgrade():
    op.add_column("series", sa.Column("reader", sa.String(), server_default="nobody"))
    op.create_table("reader", sa.Column("name", sa.String(), primary_key=True))


def downgrade():
    op.drop_table("reader")
    op.drop_column("series", "reader")
"""

TAKES_AWAY = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9002", "9001"
breaks_before = "9001"


def upgrade():
    op.drop_column("peer", "tls_named")


def downgrade():
    op.add_column("peer", sa.Column("tls_named", sa.Boolean(), server_default=sa.true()))
"""


class Newer:
    """The newer version as its host would have it, in a folder of its own."""

    def __init__(self, folder, adds=ADDS, takes_away=TAKES_AWAY):
        self.folder = folder
        folder.mkdir()
        for room in ("daemon", "workers", "engines"):
            (folder / room).symlink_to(ROOT / room)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "migrations", folder / "migrations", ignore=ignored)
        self.scripts = folder / "migrations"
        for number, script in {"9001": adds, "9002": takes_away}.items():
            (self.scripts / "versions" / f"{number}_next.py").write_text(script.format(ours=OURS))

    def here(self, monkeypatch):
        """Let this process be the newer one, as far as migrations go."""
        monkeypatch.setattr(revisions, "SCRIPTS", self.scripts)
        revisions.revisions.cache_clear()

    def start(self, settings, part):
        """Start one part of it."""
        return start(settings, part, self.folder)


def start(settings, part, version=ROOT):
    """Start one part of a version, as `osteoscreen serve` does."""
    environment = QUICK | {"OSTEOSCREEN_DATABASE_URL": settings.database_url}
    return subprocess.Popen(
        [sys.executable, "-m", "daemon.part", part, "--home", settings.home],
        cwd=version,
        env={**environment, "PYTHONPATH": str(version), "PATH": os.environ["PATH"]},
        stderr=subprocess.PIPE,
        text=True,
    )
