"""The table of the processes that are at work on a ledger, on whichever host."""

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from daemon.records.tables import Table

NUMBER = String(4)


class Process(Table):
    """One process of ours; its row goes when it ends in good order.

    ``knows`` is the last revision of the ledger that its program knows, ``needs`` the one without
    which it cannot work. ``beat`` counts on while it lives; ``facts`` are what it says of itself.
    """

    __tablename__ = "process"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    part: Mapped[str] = mapped_column(String(16))
    version: Mapped[str] = mapped_column(String(64))
    knows: Mapped[str] = mapped_column(NUMBER)
    needs: Mapped[str] = mapped_column(NUMBER)
    started_at: Mapped[datetime]
    beat: Mapped[int] = mapped_column(default=0)
    beat_at: Mapped[datetime]
    facts: Mapped[dict[str, Any]]

    @property
    def host(self) -> str:
        """Name of its host or container."""
        return self.name.partition(":")[0]
