"""What rows have in common whose bytes lie in a file: on which host, and whether it is gone."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column


class Held:
    """What lies on one of several hosts, empty where there is one; a series, who settles it."""

    holder: Mapped[str] = mapped_column(String(64), default="", server_default="")


class Purgeable:
    """A row whose file may go while the row stays.

    ``purged_by`` is the rule, written before the file goes; ``purged_at`` is written when it is
    gone. Between the two, the next turn of the retention finishes what was decided.
    """

    purged_by: Mapped[str | None] = mapped_column(String(32))
    purged_at: Mapped[datetime | None]
