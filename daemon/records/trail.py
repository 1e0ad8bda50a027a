"""The trail: every change and every look at a study, each row sealed with the one before it.

Whoever alters, drops or inserts a row breaks the chain behind it. Rows cut from the end leave no
break: the newest seal, noted elsewhere from time to time, would tell.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC
from hashlib import sha256

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, OperationalError

from daemon.records.ledger import Ledger, now
from daemon.records.people_tables import Trail

BEGIN = "0" * 64
"""What the first row is sealed with."""

TRIES = 20
A_PAGE = 1000


@dataclass(frozen=True)
class Deed:
    """Who did what to what, from where; never a patient's identity."""

    person: str
    address: str
    action: str
    subject: str = ""
    detail: str = ""


def write_down(ledger: Ledger, deed: Deed) -> None:
    """Write one deed down, before it is done: what cannot be written down is not done.

    Raises
    ------
    LedgerError
        If the database cannot be reached.
    """
    deed = Deed(deed.person[:64], deed.address[:64], deed.action, deed.subject[:128], deed.detail)
    for left in reversed(range(TRIES)):
        try:
            _append(ledger, deed)
        except (IntegrityError, OperationalError):
            # another was first with this number: behind it, then
            if not left:
                raise
        else:
            return


def _append(ledger: Ledger, deed: Deed) -> None:
    with ledger.write() as session:
        last = session.scalars(select(Trail).order_by(Trail.id.desc()).limit(1)).first()
        number, before = (last.id + 1, last.seal) if last else (1, BEGIN)
        row = Trail(id=number, at=now(), **asdict(deed))
        row.seal = seal_of(row, before)
        session.add(row)


def seal_of(row: Trail, before: str) -> str:
    """Return the SHA-256 of a row and of the seal before it."""
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    told = [row.id, at, row.person, row.address, row.action, row.subject, row.detail, before]
    return sha256(json.dumps(told).encode()).hexdigest()


def problems(ledger: Ledger) -> list[str]:
    """Return a plain sentence for the first row that does not follow from the one before."""
    return Watch().problems(ledger)


class Watch:
    """Follows the chain, each row once: what held is kept in mind, not in the database.

    A row that is changed after it held is found by the next watch; a chain that was cut off before
    the last row that held, by this one.
    """

    def __init__(self) -> None:
        # one tuple, for several threads follow at once
        self._held = (0, BEGIN)

    @property
    def rows(self) -> int:
        """How many rows have held."""
        return self._held[0]

    def problems(self, ledger: Ledger) -> list[str]:
        """Follow the chain from the last row that held; say in a sentence where it breaks."""
        number, before = held = self._held
        if number and _seal(ledger, number) != before:
            return [f"audit trail: row {number} held before and does not any more"]
        for row in everything(ledger, number):
            if row.id != number + 1:
                return [f"audit trail: row {number + 1} is gone"]
            if row.seal != seal_of(row, before):
                return [f"audit trail: row {row.id} is not what was written down"]
            number, before = row.id, row.seal
        if (number, before) != held:
            self._held = (number, before)
        return []


def _seal(ledger: Ledger, number: int) -> str | None:
    with ledger.read() as session:
        return session.scalars(select(Trail.seal).where(Trail.id == number)).first()


def everything(ledger: Ledger, after: int = 0) -> Iterator[Trail]:
    """Return all rows after that number, oldest first, read a thousand at a time."""
    last = after
    while rows := _after(ledger, last):
        yield from rows
        last = rows[-1].id


def _after(ledger: Ledger, number: int) -> list[Trail]:
    with ledger.read() as session:
        rest = select(Trail).where(Trail.id > number).order_by(Trail.id).limit(A_PAGE)
        return list(session.scalars(rest))


def count(ledger: Ledger) -> int:
    """Count the rows."""
    with ledger.read() as session:
        return session.scalar(select(func.count()).select_from(Trail)) or 0


def newest(ledger: Ledger, before: int | None = None, most: int = 100) -> list[Trail]:
    """Return the newest rows, newest first; those with a lower number than ``before``."""
    rows = select(Trail).order_by(Trail.id.desc()).limit(most)
    if before is not None:
        rows = rows.where(Trail.id < before)
    with ledger.read() as session:
        return list(session.scalars(rows))
