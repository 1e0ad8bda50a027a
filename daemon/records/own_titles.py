"""Our own AE titles besides the setting's, and the rules of each."""

from sqlalchemy import select

from daemon.records.decision_tables import OwnTitle
from daemon.records.ledger import Ledger, note, now


def every(ledger: Ledger) -> list[OwnTitle]:
    """Return all titles, removed ones too: their rules hold for what came by them."""
    with ledger.read() as session:
        return list(session.scalars(select(OwnTitle).order_by(OwnTitle.aet)))


def answered(ledger: Ledger) -> list[OwnTitle]:
    """Return those that callers may name."""
    return [title for title in every(ledger) if title.removed_at is None]


def named(ledger: Ledger, aet: str) -> OwnTitle | None:
    """Return a title that callers may name."""
    with ledger.read() as session:
        title = session.get(OwnTitle, aet)
    return title if title and title.removed_at is None else None


def put(ledger: Ledger, title: OwnTitle) -> None:
    """Add a title, or change the rules of the one that is there."""
    with ledger.write() as session:
        title.removed_at = None
        session.merge(title)
        note(session, "own title set", aet=title.aet)


def remove(ledger: Ledger, aet: str) -> bool:
    """Answer to a title no more; return False if there was none."""
    with ledger.write() as session:
        title = session.get(OwnTitle, aet)
        if title is None or title.removed_at is not None:
            return False
        title.removed_at = now()
        note(session, "own title removed", aet=aet)
    return True
