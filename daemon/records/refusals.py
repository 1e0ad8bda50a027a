"""Who was refused and why: the newest ones, for a stranger must not fill the ledger."""

from sqlalchemy import delete, select

from daemon.records.ledger import Ledger, note
from daemon.records.tables import REFUSAL, Event

KEPT = 1000


def write_down(ledger: Ledger, calling: str, why: str) -> None:
    """Write one refusal down, and drop the oldest beyond those that are kept."""
    with ledger.write() as session:
        note(session, REFUSAL, aet=calling[:16] or None, detail=why)
        session.flush()
        mine = select(Event.id).where(Event.kind == REFUSAL)
        newest = mine.order_by(Event.id.desc()).offset(KEPT).limit(1).scalar_subquery()
        session.execute(
            delete(Event)
            .where(Event.kind == REFUSAL, Event.id <= newest)
            .execution_options(synchronize_session=False)
        )
